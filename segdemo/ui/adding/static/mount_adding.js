// Begins the place for adding once the page has its element.

mountAdding(element.querySelector(".ad"), gradioHost(props, trigger, watch, upload));
