// Begins the viewer once the page has its element.

mountViewer(element.querySelector(".sv"), gradioHost(props, trigger, watch, upload));
