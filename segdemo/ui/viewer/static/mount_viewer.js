// Mounts the viewer once the page has its element.

import { gradioHost } from "../../gradio_support/static/gradio.js";
import { mountViewer } from "./viewer.js";

mountViewer(element.querySelector(".sv"), gradioHost(props, trigger, watch, upload));
