// Begins the gallery once the page has its element.

mountBatch(element.querySelector(".bt"), gradioHost(props, trigger, watch, upload));
