// Tells the page's viewer of each file that is ready for it.

import { gradioHost } from "../../gradio_support/static/gradio.js";

const savedHost = gradioHost(props, trigger, watch, upload);
savedHost.onPayload(() => {
  document.dispatchEvent(new CustomEvent("segdemo:saved", { detail: savedHost.payload() }));
});
