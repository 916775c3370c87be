// @ts-check
/**
 * Delays between attempts: exponential, jittered, without end.
 *
 * Each is between a half and the whole of its step, so that the pages which lost the same server do
 * not come back together.
 * @param {() => number} random from [0, 1)
 * @returns {Generator<number, never>} milliseconds
 */
export function* delays(random, { firstMs = 1000, factor = 2, capMs = 30_000 } = {}) {
  for (let stepMs = firstMs; ; stepMs = Math.min(stepMs * factor, capMs)) {
    yield Math.round(stepMs * (0.5 + 0.5 * random()));
  }
}
