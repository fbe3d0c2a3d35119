// Mounts the drop zone of the page once the page has its element.

import { gradioHost } from "../../gradio_support/static/gradio.js";
import { mountZone } from "./zone.js";

mountZone(element.querySelector(".dz"), gradioHost(props, trigger, watch, upload));
