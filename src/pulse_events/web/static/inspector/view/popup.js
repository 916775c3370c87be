// @ts-check
/** Panels above the page: opened by a button below which they stand, closed by Escape or a click elsewhere. */

/** @param {HTMLElement} panel @param {HTMLElement} anchor */
export function placeBelow(panel, anchor) {
  const { left, right, bottom, top } = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const start = left + width > innerWidth - 8 ? Math.max(8, Math.min(right, innerWidth - 8) - width) : left;
  const isBelow = bottom + height + 8 < innerHeight || top < height + 8;
  panel.style.left = `${start}px`;
  panel.style.top = `${isBelow ? bottom + 4 : top - height - 4}px`;
}

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} panel has an id
 * @param {() => void} onOpen
 */
export function attachPopup(button, panel, onOpen = () => {}) {
  panel.setAttribute("popover", "auto");
  panel.classList.add("popup");
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", panel.id);
  button.setAttribute("popovertarget", panel.id);
  panel.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") onOpen();
  });
  panel.addEventListener("toggle", (event) => {
    const isOpen = /** @type {ToggleEvent} */ (event).newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    placeBelow(panel, button);
    const first = panel.querySelector("input:not([type=file]):not([type=checkbox]), button, select, input");
    /** @type {HTMLElement | null} */ (first)?.focus();
  });
}
