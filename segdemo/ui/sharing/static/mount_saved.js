// Passes each file that Python has made to the page's viewer.

import { gradioHost } from "../../gradio_support/static/gradio.js";

const savedHost = gradioHost(props, trigger, watch, upload);
savedHost.onPayload(() => {
  document.dispatchEvent(new CustomEvent("segdemo:saved", { detail: savedHost.payload() }));
});
