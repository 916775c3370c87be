// @ts-check
/**
 * A button that takes back what was just done, for as long as one may notice that it was a mistake.
 */

const OFFERED_MS = 60_000;

export class Undo {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #onEnd = () => {};
  #button;

  /**
   * @param {HTMLElement} button
   * @param {() => boolean} onUndo takes the last thing back; returns whether there is more, else
   *   moves the focus, since the button goes
   */
  constructor(button, onUndo) {
    this.#button = button;
    button.hidden = true;
    button.addEventListener("click", () => {
      if (!onUndo()) this.end();
    });
  }

  /** @param {() => void} onEnd what was done is not asked for any more */
  offer(onEnd) {
    clearTimeout(this.#timer);
    this.#onEnd = onEnd;
    this.#button.hidden = false;
    this.#timer = setTimeout(() => this.end(), OFFERED_MS);
  }

  end() {
    clearTimeout(this.#timer);
    this.#button.hidden = true;
    this.#onEnd();
    this.#onEnd = () => {};
  }
}
