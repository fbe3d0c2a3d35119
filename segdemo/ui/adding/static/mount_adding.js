// Mounts the panel for adding checkpoints once the page has its element.

import { gradioHost } from "../../gradio_support/static/gradio.js";
import { mountAdding } from "./adding.js";

mountAdding(element.querySelector(".ad"), gradioHost(props, trigger, watch, upload));
