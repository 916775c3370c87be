// @ts-check
/**
 * Whether what comes may have waited at the broker while the server had lost it.
 *
 * Nothing says where that ends; but it comes at once when the broker is back, so a ping that stands
 * some seconds behind that in line is behind it.  Has no clock: it is told the time.
 */

/** @import { BrokerStatus } from "../pulse-events.d.ts" */

/** How long the server may take to read what has waited. */
const READ_WITHIN_MS = 5000;

export class Outage {
  /** When the broker was known to be back; NaN if it is lost, or never was. */
  #backAtMs = NaN;
  #hasWaited = false;

  /** Whether nobody knows how long before it came a message was published. */
  get hasWaited() {
    return this.#hasWaited;
  }

  /**
   * @param {BrokerStatus} status
   * @param {number} nowMs
   */
  tell({ broker }, nowMs) {
    const isLost = broker === "lost";
    this.#hasWaited ||= isLost;
    this.#backAtMs = isLost ? NaN : nowMs;
  }

  /** @param {number} nowMs */
  ping(nowMs) {
    if (nowMs - this.#backAtMs > READ_WITHIN_MS) this.#hasWaited = false;
  }
}
