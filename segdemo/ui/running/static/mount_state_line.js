// Mounts the line that says what runs once the page has its element.

import { gradioHost } from "../../gradio_support/static/gradio.js";
import { mountStateLine } from "./state_line.js";

mountStateLine(element.querySelector(".rs"), gradioHost(props, trigger, watch, upload));
