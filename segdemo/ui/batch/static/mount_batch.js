// Mounts the gallery once the page has its element.

import { gradioHost } from "../../gradio_support/static/gradio.js";
import { mountBatch } from "./batch.js";

mountBatch(element.querySelector(".bt"), gradioHost(props, trigger, watch, upload));
