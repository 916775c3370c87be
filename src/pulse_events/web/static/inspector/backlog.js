// @ts-check
/**
 * Whether what comes is from the server's history, or live.
 *
 * A stream that begins in the history gets a ping as soon as it has had all there was.
 */

export class Backlog {
  #isOpen = false;
  #onEnd;

  /** @param {() => void} onEnd */
  constructor(onEnd) {
    this.#onEnd = onEnd;
  }

  get isOpen() {
    return this.#isOpen;
  }

  /** What comes from now on is of the history. */
  begin() {
    this.#isOpen = true;
  }

  /** What comes from now on is live. */
  end() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onEnd();
  }

  /** There is no stream. */
  stop() {
    this.#isOpen = false;
  }
}
