// @ts-check
/**
 * Where a connection is in the server's history: at which place its next stream is to begin.
 */
import { configSoon, forgetConfig } from "./requests.js";

/** @import { Config, Fetch, Place } from "./requests.js" */

/** The id of all events of a stream that cannot be resumed. */
const NO_CURSOR = "-";

/** @param {Config} config */
const keepsHistory = ({ history = "off" }) => history !== "off";

export class Position {
  /** Of the last event, if it had one. @type {string | null} */
  #cursor = null;
  /** Where the last stream was asked to begin. @type {Place | null} */
  #asked = null;
  #options;

  /**
   * @param {{ endpoint: URL, fetch: Fetch, resume?: boolean, place?: Place | null }} options
   *   `resume`: what the server is set to, if not given; `place`: now, if not given
   */
  constructor(options) {
    this.#options = options;
  }

  /** @returns {Promise<Place | null>} where a stream is to begin; `null` if without cursors */
  async next() {
    const place = this.#cursor === null ? (this.#options.place ?? {}) : { cursor: this.#cursor };
    this.#asked = (await this.#isWanted()) ? place : null;
    return this.#asked;
  }

  async #isWanted() {
    const { resume, place, endpoint, fetch } = this.#options;
    if (resume !== undefined) return resume;
    return Boolean(place) || keepsHistory(await configSoon(endpoint, fetch));
  }

  /**
   * @param {string} id of the stream's `ready`
   * @returns {{ isTold: boolean, resumed: boolean }} see `Ready`
   */
  answered(id) {
    const { cursor, since, last } = this.#asked ?? {};
    const hasPlace = cursor !== undefined || since !== undefined || last !== undefined;
    return { isTold: hasPlace && id !== NO_CURSOR, resumed: cursor === id };
  }

  /**
   * Takes the place behind an event.
   * @param {string} kind
   * @param {string} id
   * @returns {boolean} whether it is another one than before
   */
  moveTo(kind, id) {
    if (!id || id === NO_CURSOR || id === this.#cursor) return false;
    // A cursor that the server does not know: the place that `ready` names is behind the gap, which
    // may never arrive.
    const { cursor } = this.#asked ?? {};
    if (kind === "ready" && cursor !== undefined && cursor !== id) return false;
    this.#cursor = id;
    return true;
  }

  /**
   * Whether a stream was refused that one without cursors may replace: another server may have
   * taken the place of the one that said what it is set to.
   * @returns {Promise<boolean>}
   */
  async isLost() {
    const { resume, place, endpoint, fetch } = this.#options;
    if (!this.#asked || resume !== undefined || place) return false;
    forgetConfig(endpoint);
    if (keepsHistory(await configSoon(endpoint, fetch))) return false;
    this.#cursor = null;
    return true;
  }
}
