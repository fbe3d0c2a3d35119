// Mounts a place for files once the page has its element.

import { gradioHost } from "../../gradio_support/static/gradio.js";
import { mountPlace } from "./place.js";

mountPlace(element.querySelector(".pl"), gradioHost(props, trigger, watch, upload));
