// @ts-check
/**
 * The button that brings back what was cleared, for as long as one may notice that it was a mistake.
 */
import { byId } from "./dom.js";

const OFFERED_MS = 60_000;

export class Undo {
  #button = byId("undo");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #onEnd = () => {};

  /** @param {() => void} onUndo */
  constructor(onUndo) {
    this.#button.addEventListener("click", () => {
      onUndo();
      byId("clear").focus(); // the button goes
      this.end();
    });
  }

  /** @param {() => void} onEnd what was cleared is not asked for any more */
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
