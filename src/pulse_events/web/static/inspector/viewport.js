// @ts-check
/**
 * The scrolled part of the table, in rows.
 *
 * Keeps its numbers, since to ask the element for them makes the browser lay out.
 */

/** Of the head too. */
export const ROW_PX = 26;

export class Viewport {
  #topPx = 0;
  #heightPx = 0;
  #length = -1;
  #scroller;
  #body;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} body
   * @param {() => void} onChange
   */
  constructor(scroller, body, onChange) {
    this.#scroller = scroller;
    this.#body = body;
    const scrolled = () => {
      this.#topPx = scroller.scrollTop;
      onChange();
    };
    scroller.addEventListener("scroll", scrolled, { passive: true });
    const resized = () => {
      this.#heightPx = scroller.clientHeight;
      onChange();
    };
    new ResizeObserver(resized).observe(scroller);
  }

  get isAtTop() {
    return this.#topPx === 0;
  }

  /** Index of the first row in sight. */
  get first() {
    return Math.floor(this.#topPx / ROW_PX);
  }

  /** How many rows have a place, those cut off included. */
  get rows() {
    return Math.max(1, Math.ceil((this.#heightPx - ROW_PX) / ROW_PX));
  }

  /** @param {number} length in rows, of all there is */
  set length(length) {
    if (length === this.#length) return;
    this.#length = length;
    this.#body.style.height = `${length * ROW_PX}px`;
  }

  /** @param {number} rows */
  scrollBy(rows) {
    this.#scrollTo(this.#topPx + rows * ROW_PX);
  }

  scrollToTop() {
    this.#scrollTo(0);
  }

  /**
   * Brings a row into sight.
   * @param {number} index
   */
  reveal(index) {
    const topPx = index * ROW_PX;
    const pagePx = this.#heightPx - ROW_PX;
    if (topPx < this.#topPx) this.#scrollTo(topPx);
    else if (topPx + ROW_PX > this.#topPx + pagePx) this.#scrollTo(topPx + ROW_PX - pagePx);
  }

  /** @param {number} topPx */
  #scrollTo(topPx) {
    if (topPx === this.#topPx) return;
    this.#scroller.scrollTop = topPx;
    this.#topPx = this.#scroller.scrollTop;
  }
}
