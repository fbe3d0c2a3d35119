// Begins the choice of a language once the page has its element.

mountLanguageChoice(element.querySelector(".lc"), gradioHost(props, trigger, watch, upload));
