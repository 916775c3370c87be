// @ts-check
/** @import { ErrorDetails } from "../pulse-events.d.ts" */

/** Why there is no stream; the message is the server's own where it gave one. */
export class PulseEventsError extends Error {
  /**
   * @param {string} message
   * @param {ErrorDetails} details
   */
  constructor(message, { permanent = false, status = 0, code = "", retryInMs = null } = {}) {
    super(message);
    this.name = "PulseEventsError";
    this.permanent = permanent;
    this.status = status;
    this.code = code;
    this.retryInMs = retryInMs;
  }

  /** The same as plain values: an Error loses its own properties on the way to another tab. */
  toJSON() {
    const { message, permanent, status, code, retryInMs } = this;
    return { message, permanent, status, code, retryInMs };
  }

  /** @param {ErrorDetails & { message: string }} plain */
  static from(plain) {
    return new PulseEventsError(plain.message, plain);
  }
}
