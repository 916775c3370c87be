// @ts-check
/**
 * When to draw: in an animation frame, and not too often for what merely came.
 */

/** Eyes cannot follow more, and painting costs. */
const PACE_MS = 80;

export class Pacer {
  #frame = 0;
  #drawnAtMs = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #draw;

  /** @param {() => void} draw */
  constructor(draw) {
    this.#draw = draw;
  }

  /** Draws with the next frame. */
  now() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawnAtMs = performance.now();
      this.#draw();
    });
  }

  /** Draws soon. */
  soon() {
    if (this.#frame || this.#timer !== undefined) return;
    const sinceMs = performance.now() - this.#drawnAtMs;
    if (sinceMs >= PACE_MS) return this.now();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.now();
    }, PACE_MS - sinceMs);
  }
}
