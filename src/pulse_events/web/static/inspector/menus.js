// @ts-check
/**
 * Places a menu below the button that opens it.  The browser opens and closes it.
 */
import { byId } from "./dom.js";

const EDGE_PX = 8;

/**
 * @param {string} menuId
 * @param {string} buttonId
 */
export function placeMenu(menuId, buttonId) {
  const menu = byId(menuId);
  menu.addEventListener("toggle", () => {
    if (!menu.matches(":popover-open")) return;
    const { left, bottom } = byId(buttonId).getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const rightmost = document.documentElement.clientWidth - width - EDGE_PX;
    const lowest = innerHeight - height - EDGE_PX;
    menu.style.left = `${Math.max(EDGE_PX, Math.min(left, rightmost))}px`;
    menu.style.top = `${Math.max(EDGE_PX, Math.min(bottom + 4, lowest))}px`;
  });
}
