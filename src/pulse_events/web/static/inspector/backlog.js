// @ts-check
/**
 * Whether what comes is from the server's history, or live.
 *
 * No event says where the history ends.  It is known to have ended with the first ping, and when as
 * many messages have come as were asked for; and it is taken to have ended when nothing comes for a
 * moment, since the server reads its history without such a rest.  On a busy stream that takes until
 * the ping; until then what is live passes for older than it is, never the other way round.
 */

const REST_MS = 200;

export class Backlog {
  #left = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;
  #onEnd;

  /** @param {() => void} onEnd */
  constructor(onEnd) {
    this.#onEnd = onEnd;
  }

  get isOpen() {
    return this.#left > 0;
  }

  /** @param {number} most how many messages of the history may come now */
  begin(most) {
    this.#left = most;
    this.#rest();
  }

  /** @returns {boolean} whether the message that came is of the history, as far as one can know */
  take() {
    if (!this.isOpen) return false;
    this.#left -= 1;
    if (this.isOpen) this.#rest();
    else this.#end();
    return true;
  }

  /** What comes from now on is live. */
  end() {
    if (this.isOpen) this.#end();
  }

  /** There is no stream. */
  stop() {
    this.#left = 0;
    clearTimeout(this.#resting);
  }

  #rest() {
    clearTimeout(this.#resting);
    if (this.isOpen) this.#resting = setTimeout(() => this.#end(), REST_MS);
  }

  #end() {
    this.stop();
    this.#onEnd();
  }
}
