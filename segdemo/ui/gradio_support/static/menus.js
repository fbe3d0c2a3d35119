// A button with a popover menu, which closes at a click elsewhere or Escape.

import { make, setAttribute } from "./dom.js";

// items: [{value, label, hint?}]; `onChoose(value)` runs while the menu stays open, so that its
// last line can show the outcome. Returns {menu, say}.
export function buildMenu(button, label, items, onChoose) {
  const menu = make("div", "sv-menu");
  menu.popover = "auto";
  const list = make("div", "sv-menu-items");
  list.setAttribute("role", "menu");
  list.setAttribute("aria-label", label);
  const choices = items.map(({ value, label: name, hint }) => {
    const item = make("button", "sv-menu-item");
    item.type = "button";
    item.dataset.value = value;
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
    item.append(make("span", "", name));
    if (hint) item.append(make("span", "sv-label", hint));
    item.addEventListener("click", () => onChoose(value));
    return item;
  });
  list.append(...choices);
  const said = make("p", "sv-menu-said");
  said.setAttribute("role", "status");
  menu.append(list, said);
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.popoverTargetElement = menu;
  button.after(menu);
  openMenus(button, menu, choices);
  return { menu, say: (...words) => said.replaceChildren(...words) };
}

// Places an open menu, moves the focus by keys, and closes it when the page scrolls.
function openMenus(button, menu, choices) {
  let opened = null;
  menu.addEventListener("toggle", ({ newState }) => {
    const isOpen = newState === "open";
    setAttribute(button, "aria-expanded", String(isOpen));
    if (opened) opened.abort();
    opened = null;
    if (!isOpen) return;
    opened = new AbortController();
    placeMenu(button, menu);
    choices[0].focus();
    // It does not move with the page.
    const shut = (event) => {
      if (!menu.contains(event.target)) menu.hidePopover();
    };
    window.addEventListener("scroll", shut, { capture: true, signal: opened.signal });
    window.addEventListener("resize", () => menu.hidePopover(), { signal: opened.signal });
  });
  menu.addEventListener("keydown", (event) => {
    // The viewer has uses of its own for these keys.
    event.stopPropagation();
    const at = choices.indexOf(event.target);
    const last = choices.length - 1;
    const next = {
      ArrowDown: at === last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1, Home: 0, End: last,
    }[event.key];
    if (event.key === "Tab") menu.hidePopover();
    if (next === undefined) return;
    event.preventDefault();
    choices[next].focus();
  });
}

// Below its button and flush with the button's end, or above where there is more room.
function placeMenu(button, menu) {
  const from = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.min(Math.max(from.right - width, 8), window.innerWidth - width - 8);
  const fits = from.bottom + 6 + height <= window.innerHeight;
  const top = fits || from.top < height + 6 ? from.bottom + 6 : from.top - 6 - height;
  menu.style.left = `${Math.max(left, 8)}px`;
  menu.style.top = `${top}px`;
}
