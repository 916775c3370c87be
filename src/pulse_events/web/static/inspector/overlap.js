// @ts-check
/**
 * Two listenings side by side: a message that the one brought is not new from the other.
 */

export class Overlap {
  /**
   * Texts that one of them brought and the other has not yet.
   * @type {Map<string, { by: unknown, count: number }>}
   */
  #waiting = new Map();

  /**
   * @param {unknown} by which of the two it is
   * @param {string} text of a message; the same may be published twice
   * @returns {boolean} whether the other brought this one already
   */
  isRepeated(by, text) {
    const found = this.#waiting.get(text);
    if (!found || found.by === by) {
      this.#waiting.set(text, { by, count: (found?.count ?? 0) + 1 });
      return false;
    }
    if (found.count > 1) found.count -= 1;
    else this.#waiting.delete(text);
    return true;
  }
}
