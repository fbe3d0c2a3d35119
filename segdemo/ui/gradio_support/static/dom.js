// Small helpers to build elements. Foreign text enters through textContent and attributes alone.

const ICONS = Object.freeze({
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  screen: "M2 3h12v8H2zM5.5 13.5h5",
  side: "M2.5 3.5h4v9h-4zM9.5 3.5h4v9h-4z",
  swipe: "M2.5 3.5h11v9h-11zM8 2v12",
  cross: "M4 4l8 8M12 4l-8 8",
  save: "M8 2v8M4.8 7 8 10.2 11.2 7M2.5 11v2.5h11V11",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.3V11M8 5v.2",
  warning: "M8 2.5 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.2",
});

export function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "sv-icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// Writes only what changed, and into the existing text node: a new node would recompute the styles of
// all that is around it.
export function setText(node, text) {
  if (node.textContent === text) return;
  const [only, more] = node.childNodes;
  if (only && !more && only.nodeType === Node.TEXT_NODE) only.data = text;
  else node.textContent = text;
}

export function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// The elements of the template by the name in their data-part.
export function partsOf(root) {
  const parts = {};
  for (const node of root.querySelectorAll("[data-part]")) parts[node.dataset.part] = node;
  return parts;
}

// Animates an indeterminate progress bar, a third as wide as its track.
export function sweep(bar) {
  return bar.animate([{ transform: "translateX(-100%)" }, { transform: "translateX(350%)" }],
    { duration: 1500, iterations: Infinity, easing: "ease-in-out" });
}

export function labelButton(button, iconName, label, hint) {
  button.replaceChildren(icon(iconName));
  button.setAttribute("aria-label", label);
  button.title = hint || label;
}

// A group of radio buttons, of which one is a tab stop and the arrows reach the others.
// options: [{value, label, icon?, hint?, colour?}]
export function buildChoice(group, label, options, onChoose) {
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-label", label);
  const buttons = options.map((option) => {
    const button = make("button", "sv-option");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.dataset.value = option.value;
    if (option.icon) button.append(icon(option.icon));
    button.append(make("span", "sv-option-text", option.label));
    if (option.hint) {
      button.title = option.hint;
      button.setAttribute("aria-label", option.hint);
    }
    button.addEventListener("click", () => onChoose(option.value));
    return button;
  });
  group.replaceChildren(...buttons);
  group.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = buttons.indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    onChoose(next.dataset.value);
    next.focus();
  };
}

export function markChoice(group, value) {
  for (const button of group.children) {
    const chosen = button.dataset.value === String(value);
    setAttribute(button, "aria-checked", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
}
