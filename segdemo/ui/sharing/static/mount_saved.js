// Tells the page's viewer of each file that is ready for it.

const savedHost = gradioHost(props, trigger, watch, upload);
savedHost.onPayload(() => {
  document.dispatchEvent(new CustomEvent("segdemo:saved", { detail: savedHost.payload() }));
});
