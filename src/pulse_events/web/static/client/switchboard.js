// @ts-check
/**
 * Many listeners on one stream: the stream's bindings are the union of theirs, and each listener
 * gets what its own match.  Runs in the SharedWorker for all tabs, or in a page for itself.
 */

import { Group } from "./group.js";
import { configSoon } from "./requests.js";
import { unionOf } from "./routes.js";

/** @import { Token } from "./tokens.js" */
/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Sink } from "./connection.js" */
/** @import { Fetch, Place } from "./requests.js" */
/**
 * `follows`: it takes the place of this one, and goes on where that one is.
 * @typedef {{
 *   endpoint: URL, bindings: readonly Binding[], pingInterval?: number, resume?: boolean,
 *   token?: Token, place?: Place | null, follows?: Member, sink: Sink,
 * }} Member
 */

const DEFAULT_MAX_BINDINGS = 100;

/**
 * Groups listeners by server.  There is one group, thus one connection, for a server, unless the
 * union of the bindings is over the server's limit for one stream; then a listener goes where it
 * fits.
 */
export class Switchboard {
  /** @type {Map<string, Group[]>} */
  #groups = new Map();
  /** @type {Map<Member, Group | null>} `null` while it waits for the server's limit */
  #places = new Map();
  #fetch;

  /** @param {Fetch} fetch */
  constructor(fetch = globalThis.fetch.bind(globalThis)) {
    this.#fetch = fetch;
  }

  /** @param {Member} member */
  async add(member) {
    this.#places.set(member, null);
    const limit = await this.#limitOf(member.endpoint);
    if (!this.#places.has(member)) return; // it left meanwhile
    const group = this.#groupFor(member, limit);
    this.#places.set(member, group);
    group.add(member);
  }

  /** @param {Member} member */
  remove(member) {
    this.#places.get(member)?.remove(member);
    this.#places.delete(member);
  }

  wake() {
    for (const group of [...this.#groups.values()].flat()) group.wake();
  }

  /**
   * @param {URL} endpoint
   * @returns {Promise<number>}
   */
  async #limitOf(endpoint) {
    const config = await configSoon(endpoint, this.#fetch);
    return config.maxBindings ?? DEFAULT_MAX_BINDINGS;
  }

  /**
   * @param {Member} member
   * @param {number} limit
   */
  #groupFor(member, limit) {
    const { endpoint, resume, token } = member;
    // What a page's function gives changes with time: one user's, whichever page is asked.
    const user = typeof token === "function" ? "whoever" : JSON.stringify(token);
    const key = `${endpoint.href} ${resume} ${user}`;
    const before = member.follows && this.#places.get(member.follows);
    const groups = [...(before ? [before] : []), ...(this.#groups.get(key) ?? [])];
    const fits = (/** @type {Group} */ group) =>
      unionOf([...group.members, member]).bindings.length <= limit;
    const found = groups.find(fits);
    if (found) return found;
    const group = new Group(this.#fetch, () => {
      this.#groups.set(
        key,
        (this.#groups.get(key) ?? []).filter((other) => other !== group),
      );
    });
    this.#groups.set(key, [...(this.#groups.get(key) ?? []), group]);
    return group;
  }
}
