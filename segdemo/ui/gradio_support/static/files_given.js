// Hands files from whatever a person has used, a chooser, a drop or a paste, to what sends them.

const FILES_EVENT = "segdemo-files";

// `target` is what they are meant for: "picture", "mask", "network", "pictures", "masks" or "any".
export function giveFiles(target, files) {
  if (files.length) window.dispatchEvent(new CustomEvent(FILES_EVENT, { detail: { target, files } }));
}

export function onFilesGiven(callback) {
  window.addEventListener(FILES_EVENT, ({ detail }) => callback(detail.target, detail.files));
}
