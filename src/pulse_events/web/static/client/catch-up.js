// @ts-check
/**
 * Listeners on the way to a stream that is shared, from a place of their own.
 *
 * The shared stream brings what is published from its `ready` on; what is before that, from the
 * listeners' place on, comes on a stream of their own, which is opened then.  It ends when the
 * shared one is known to have what follows:
 * - one has brought what the other had: a message has the same cursor on both;
 * - or neither brought anything between a ping of the own one and a later one of the shared one, by
 *   the server's clock: so nothing is still to come there that the own one, or one before it, had.
 *
 * Until then the shared stream's messages wait.  The own stream's ping says when the listeners have
 * had all there was, so it is waited for even where messages said before that nothing else is to
 * come.  If the two come from different processes of a
 * server, cursors differ: then it lasts until there is such a silence, and nothing is lost or comes
 * twice all the same.
 */
import { Connection } from "./connection.js";
import { Link } from "./link.js";
import { tokenAmong } from "./tokens.js";

/** @import { Gap, State } from "../pulse-events.d.ts" */
/** @import { Ready } from "./connection.js" */
/** @import { PulseEventsError } from "./errors.js" */
/** @import { Heard, LinkListener } from "./link.js" */
/** @import { Fetch, Place } from "./requests.js" */
/** @import { Routes } from "./routes.js" */
/** @import { Member } from "./switchboard.js" */
/**
 * What it tells of all its listeners; `at` comes before what it is the place of, `over` when nothing
 * is left to do.
 * @typedef {{
 *   at(cursor: string): void, give(heard: Heard, to: Iterable<Member>): void,
 *   ready(event: Ready): void, gap(gap: Gap): void, ping(ping: { time: string }): void, state(state: State): void,
 *   error(error: PulseEventsError): void, ended(error: PulseEventsError): void, over(): void,
 * }} Owner
 */

/** How many messages of the shared stream wait; with fewer it only takes longer. */
const WAITING_LIMIT = 10_000;

export class CatchUp {
  /** Whether the shared stream has what follows. */
  #isOver = false;
  /** The server's time of the own stream's ping since which nothing has come; empty if none. */
  #quietSince = "";
  /** Whether the own stream has yet to say by a ping that it has brought all there was. */
  #isPingDue;
  /** Cursors of what the own stream brought. */
  #brought = new Set();
  /** What the shared stream brought. @type {Heard[]} */
  #waiting = [];
  #routes;
  #owner;
  #link;

  /**
   * @param {Place} place
   * @param {Routes<Member>} routes of the listeners
   * @param {Fetch} fetch
   * @param {Owner} owner
   */
  constructor(place, routes, fetch, owner) {
    this.#routes = routes;
    this.#owner = owner;
    this.#isPingDue = Object.values(place).some((start) => start !== undefined);
    const [{ endpoint, pingInterval, resume }] = routes.carries;
    const { bindings } = routes;
    const token = tokenAmong(routes.carries);
    const options = { endpoint, bindings, pingInterval, resume, token, place, fetch };
    this.#link = new Link((sink) => new Connection(options, sink), routes, this.#listener());
  }

  /** Whether the listeners are told of their own stream alone. */
  get isOnItsOwn() {
    return !this.#isOver;
  }

  start() {
    this.#link.start();
  }

  close() {
    this.#link.close();
  }

  wake() {
    this.#link.wake();
  }

  /** The shared stream may lack something: what is compared with must be behind that. */
  forget() {
    this.#waiting = [];
    this.#quietSince = "";
  }

  /**
   * Notes a ping of the shared stream, which is ready: it has brought all up to then.
   * @param {{ time: string }} ping
   */
  sharedPing({ time }) {
    // Not two pings of the own one: after a stall they are read together, before what waits in the
    // shared one's socket.
    if (this.#quietSince && time >= this.#quietSince) this.#switch();
  }

  /**
   * Takes what the shared stream brings for the listeners.
   * @param {Heard} heard
   */
  hear(heard) {
    this.#quietSince = "";
    const isKnown = this.#brought.has(heard.cursor);
    if (!this.#isOver) {
      if (isKnown) return this.#switch();
      this.#waiting.push(heard);
      if (this.#waiting.length > WAITING_LIMIT) this.#waiting.shift();
    } else if (!isKnown) {
      this.#owner.over(); // cursors rise: it is past all that the own stream brought
      this.#give(heard);
    }
  }

  /** @returns {LinkListener<Member, Routes<Member>>} */
  #listener() {
    const { ready, gap, state, error, ended } = this.#owner;
    /** @type {<A extends unknown[]>(act: (...args: A) => void) => (...args: A) => void} */
    const unlessOver =
      (act) =>
      (...args) => {
        if (!this.#isOver) act(...args);
      };
    return {
      onReady: unlessOver((_, event) => {
        this.#place();
        ready(event);
      }),
      onMessage: unlessOver((_, heard) => this.#bring(heard)),
      onGap: unlessOver((_, what) => {
        this.#place();
        gap(what);
      }),
      onDown: () => this.#isOver && this.#link.close(),
      onEnd: unlessOver((_, why) => ended(why)),
      onPing: (_, ping) => this.#ping(ping),
      onStatus: () => {}, // the shared stream tells
      onStale: () => {},
      onError: unlessOver((_, why) => error(why)),
      onState: unlessOver((_, how) => how.phase !== "closed" && state(how)),
    };
  }

  /** @param {Heard} heard by the own stream */
  #bring(heard) {
    this.#quietSince = "";
    if (heard.cursor !== null) this.#brought.add(heard.cursor);
    const at = this.#waiting.findIndex(({ cursor }) => cursor !== null && cursor === heard.cursor);
    this.#give(heard);
    if (at < 0) return;
    const following = this.#waiting.slice(at + 1);
    this.#switch();
    this.#owner.over();
    for (const each of following) this.#give(each);
  }

  /** @param {{ time: string }} ping of the own stream */
  #ping(ping) {
    this.#isPingDue = false;
    if (this.#isOver) this.#link.close();
    else this.#place();
    this.#quietSince = this.#isOver ? "" : ping.time;
    this.#owner.ping(ping);
  }

  #place() {
    const { cursor } = this.#link;
    if (cursor !== null) this.#owner.at(cursor);
  }

  /** The own stream has brought all that the shared one has brought, or will. */
  #switch() {
    this.#isOver = true;
    this.#quietSince = "";
    this.#waiting = [];
    if (!this.#isPingDue) this.#link.close();
  }

  /** @param {Heard} heard */
  #give(heard) {
    this.#owner.give(heard, this.#routes.match(heard.message));
  }
}
