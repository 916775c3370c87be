// @ts-check
/**
 * Something that is loaded while the page is used already; what is asked of it before waits for it.
 */

/** @template T */
export class Later {
  /** What was loaded. @type {T | null} */
  now = null;
  /** @type {((it: T) => void)[]} */
  #waiting = [];
  #isAsked = false;
  #load;
  #onFailure;

  /**
   * @param {() => Promise<T>} load
   * @param {() => void} onFailure it does not come, nor again: browsers keep that in mind
   */
  constructor(load, onFailure) {
    this.#load = load;
    this.#onFailure = onFailure;
  }

  /** Begins to load it. */
  async load() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    try {
      this.now = await this.#load();
    } catch {
      this.#onFailure();
      return;
    }
    for (const action of this.#waiting.splice(0)) action(this.now);
  }

  /** @param {(it: T) => void} action */
  do(action) {
    if (this.now) return action(this.now);
    this.#waiting.push(action);
    void this.load();
  }
}
