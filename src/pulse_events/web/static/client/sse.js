// @ts-check
/**
 * Server-Sent Events: bytes to events (HTML standard, 9.2.6).  No I/O, no clock.
 */

/** @typedef {{ kind: string, data: string, id: string }} ServerEvent */

/**
 * Most characters held for an event that has not ended: a server gone wrong must not fill memory.
 */
const LIMIT_CHARS = 64 << 20;

/** Incremental decoder of one stream; takes chunks cut anywhere, inside a character too. */
export class Decoder {
  #text = new TextDecoder();
  #limitChars;
  #rest = "";
  #afterCr = false;
  #kind = "";
  /** @type {string[]} */
  #data = [];
  #heldChars = 0;
  #id = "";

  /** @param {number} limitChars */
  constructor(limitChars = LIMIT_CHARS) {
    this.#limitChars = limitChars;
  }

  /**
   * @param {Uint8Array} chunk
   * @returns {ServerEvent[]} the events that the chunk completes
   * @throws {RangeError} an event is longer than the limit
   */
  feed(chunk) {
    /** @type {ServerEvent[]} */
    const events = [];
    // `stream` keeps the first bytes of a character whose last ones come with the next chunk.
    for (const line of this.#lines(this.#text.decode(chunk, { stream: true }))) {
      if (line) this.#field(line);
      else this.#dispatch(events);
    }
    if (this.#rest.length + this.#heldChars > this.#limitChars) {
      throw new RangeError(`an event is longer than ${this.#limitChars} characters`);
    }
    return events;
  }

  /** @param {string} text */
  #lines(text) {
    if (!text) return [];
    if (this.#afterCr && text.startsWith("\n")) text = text.slice(1); // the other half of a CR LF
    // A CR ends its line at once: to wait for an LF would hold back an event that is complete.
    this.#afterCr = text.endsWith("\r");
    const lines = text.split(/\r\n|\r|\n/); // 9.2.5: these three and no others, not U+2028
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop() ?? "";
    return lines;
  }

  /** @param {string} line */
  #field(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") {
      this.#data.push(value);
      this.#heldChars += value.length;
    } else if (name === "event") {
      this.#kind = value;
    } else if (name === "id" && !value.includes("\0")) {
      this.#id = value; // it holds for later events, too: `#dispatch` leaves it
    }
  }

  /** @param {ServerEvent[]} events */
  #dispatch(events) {
    if (this.#data.length) {
      events.push({ kind: this.#kind || "message", data: this.#data.join("\n"), id: this.#id });
    }
    this.#kind = "";
    this.#data = [];
    this.#heldChars = 0;
  }
}
