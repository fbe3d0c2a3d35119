// Mounts the list of downloads once the page has its element.

import { gradioHost } from "../../gradio_support/static/gradio.js";
import { mountTransfers } from "./transfers.js";

mountTransfers(element.querySelector(".tr"), gradioHost(props, trigger, watch, upload));
