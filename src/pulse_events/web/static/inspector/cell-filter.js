// @ts-check
/**
 * The button that appears in the cell under the pointer, and filters by its value.  There is one,
 * since the cells are used again for other messages.
 */
import { button } from "./dom.js";

const LABEL = "Filter by this value; with Shift leave it out";

export class CellFilter {
  #button;
  #isOffered;

  /**
   * @param {HTMLElement} body of the table
   * @param {(cell: Element) => boolean} isOffered whether the cell's value can be filtered by
   * @param {(cell: Element, isWithout: boolean) => void} onFilter
   */
  constructor(body, isOffered, onFilter) {
    this.#isOffered = isOffered;
    this.#button = button(
      "",
      ({ shiftKey }) => {
        const cell = this.#button.parentElement;
        if (cell) onFilter(cell, shiftKey);
      },
      { class: "cell-filter", tabindex: -1, title: LABEL, "aria-label": LABEL },
    );
    // A finger does not hover: the button would be under it when it has just touched the cell.
    const hover = (/** @type {PointerEvent} */ { pointerType, target }) =>
      pointerType === "touch" ? this.hide() : this.#hover(target);
    body.addEventListener("pointerover", hover);
  }

  /** @param {EventTarget | null} target */
  contains(target) {
    return target instanceof Node && this.#button.contains(target);
  }

  hide() {
    this.#button.remove();
  }

  /** @param {EventTarget | null} target */
  #hover(target) {
    const cell = target instanceof Element ? target.closest("[role=gridcell]") : null;
    if (!cell || cell === this.#button.parentElement) return;
    if (this.#isOffered(cell)) cell.append(this.#button);
    else this.hide();
  }
}
