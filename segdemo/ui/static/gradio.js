// The only file that knows Gradio: its props, its watch and its trigger.

function gradioHost(props, trigger, watch, upload) {
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
    limits: () => props.limits,
    // An event for Python with a few plain values.
    send: (event, values) => trigger(event, values),
    // Resolves to where the server has put the file.
    upload: (file) => upload(file).then(({ path }) => path),
  };
}
