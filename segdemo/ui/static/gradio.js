// The only file that knows Gradio: its props, its watch and its trigger.

function gradioHost(props, trigger, watch) {
  return {
    payload: () => props.value,
    strings: () => props.strings,
    palette: () => props.palette,
    mirrors: () => Boolean(props.mirror),
    // Gradio may call this several times for one change.
    onPayload: (callback) => watch("value", callback),
    // Gradio sees only a new object; an event with the viewer among its inputs then receives it.
    mirror: (state) => {
      props.value = { ...props.value, state };
      trigger("settle", state);
    },
  };
}

mountViewer(element.querySelector(".sv"), gradioHost(props, trigger, watch));
