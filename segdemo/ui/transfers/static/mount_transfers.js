// Begins the list of downloads once the page has its element.

mountTransfers(element.querySelector(".tr"), gradioHost(props, trigger, watch, upload));
