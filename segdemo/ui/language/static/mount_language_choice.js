// Mounts the choice of a language once the page has its element.

import { gradioHost } from "../../gradio_support/static/gradio.js";
import { mountLanguageChoice } from "./language_choice.js";

mountLanguageChoice(element.querySelector(".lc"), gradioHost(props, trigger, watch, upload));
