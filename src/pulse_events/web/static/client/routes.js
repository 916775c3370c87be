// @ts-check
/**
 * Which listeners a stream's messages are for, and whether a stream would bring a message.
 */
import { Router } from "./topics.js";

/** @import { Binding, Message } from "../pulse-events.d.ts" */
/** @import { Routing } from "./link.js" */

const ALONE = new Set([true]);

/**
 * @param {Iterable<{ bindings: readonly Binding[] }>} members
 * @returns {{ key: string, bindings: Binding[] }} each binding once, and a text that is the same
 *   for equal unions
 */
export function unionOf(members) {
  /** @type {Map<string, Binding>} */
  const union = new Map();
  for (const { bindings } of members) {
    for (const binding of bindings) {
      union.set(JSON.stringify([binding.exchange, binding.routingKeyPattern]), binding);
    }
  }
  const keys = [...union.keys()].sort();
  return { key: keys.join(), bindings: keys.map((key) => /** @type {Binding} */ (union.get(key))) };
}

/**
 * Of a stream with the bindings of many listeners.
 * @template {{ bindings: readonly Binding[] }} T
 * @implements {Routing<T>}
 */
export class Routes {
  /** @type {Set<T>} */
  carries = new Set();
  /** @type {Router<T>} */
  #router = new Router();

  /**
   * @param {{ key: string, bindings: readonly Binding[] }} union of the listeners' bindings
   * @param {Iterable<T>} listeners
   */
  constructor({ key, bindings }, listeners) {
    this.key = key;
    this.bindings = bindings;
    this.carry(listeners);
  }

  /** @param {Iterable<T>} listeners whose bindings are among those of the stream */
  carry(listeners) {
    for (const listener of listeners) {
      this.carries.add(listener);
      this.#router.add(listener.bindings, listener);
    }
  }

  /** @param {Message} message */
  match(message) {
    return this.#router.match(message);
  }

  /** @param {Message} message */
  brings(message) {
    return this.match(message).size > 0;
  }
}

/**
 * Of a stream with one listener, which gets whatever the stream brings: an exchange may match
 * otherwise than by topic, and the server knows (`--exact`).
 * @implements {Routing<boolean>}
 */
export class SoleRoute {
  carries = ALONE;
  /** @type {Router<boolean>} */
  #router = new Router();

  /** @param {readonly Binding[]} bindings */
  constructor(bindings) {
    this.#router.add(bindings, true);
  }

  /** @param {Message} _message */
  match(_message) {
    return ALONE;
  }

  /** @param {Message} message */
  brings(message) {
    return this.#router.match(message).size > 0;
  }
}
