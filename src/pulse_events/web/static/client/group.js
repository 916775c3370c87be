// @ts-check
/**
 * The listeners of one stream, and the change from one stream to the next when their union changes.
 *
 * A listener that makes the server refuse the union is found and told, the others go on.
 */
import { Connection } from "./connection.js";
import { PulseEventsError } from "./errors.js";
import { Relay } from "./relay.js";
import { Roster } from "./roster.js";
import { Routes, unionOf } from "./routes.js";
import { tokenAmong } from "./tokens.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Sink } from "./connection.js" */
/** @import { Owner } from "./relay.js" */
/** @import { Fetch, Place } from "./requests.js" */
/** @import { Shared } from "./roster.js" */
/** @import { Member } from "./switchboard.js" */

/** Listeners come and go together when a page loads or closes. */
const SETTLE_MS = 20;
/** How long a stream may be wider than its listeners need, so that a reload costs nothing. */
const LINGER_MS = 1000;
const RETRY_MS = 30_000;

export class Group {
  /** Who waits for the next stream. @type {Member[]} */
  #batch = [];
  /** Add one listener at a time: some listener's bindings are refused. */
  #oneByOne = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Relay<Member, Routes<Member>>} */
  #relay;
  #roster;
  #fetch;
  #onEmpty;

  /**
   * @param {Fetch} fetch
   * @param {() => void} onEmpty
   */
  constructor(fetch, onEmpty) {
    this.#roster = new Roster(fetch);
    this.#relay = new Relay(0, this.#owner());
    this.#fetch = fetch;
    this.#onEmpty = onEmpty;
  }

  /** @returns {ReadonlySet<Member>} */
  get members() {
    return this.#roster.members;
  }

  /** @param {Member} member */
  add(member) {
    this.#roster.add(member);
    if (this.#relay.next?.hasFailed) this.#relay.drop();
    this.#settleIn(SETTLE_MS);
  }

  /** @param {Member} member */
  remove(member) {
    this.#roster.remove(member);
    const isWaitedFor = !this.#batch.length || this.#batch.some((each) => this.members.has(each));
    if (!isWaitedFor) this.#relay.drop();
    this.#settleIn(LINGER_MS);
  }

  wake() {
    for (const link of this.#relay.links) link.wake();
    this.#roster.wake();
  }

  /** @param {number} ms */
  #settleIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(), ms);
  }

  /**
   * Takes the next step towards one stream that carries just the union; called until there is none.
   */
  #settle() {
    if (!this.members.size) return this.#close();
    if (this.#relay.isBusy) return; // comes back here when that is over
    const live = this.#relay.live?.routes;
    const present = [...this.members].filter((member) => live?.carries.has(member));
    const waiting = [...this.members].filter((member) => !live?.carries.has(member));
    if (!waiting.length) this.#oneByOne = false;
    this.#batch = this.#oneByOne ? waiting.slice(0, 1) : waiting;
    const wanted = [...present, ...this.#batch];
    const union = unionOf(wanted);
    if (union.key !== live?.key) this.#open(union, wanted);
    else if (this.#batch.length) this.#admit();
  }

  /**
   * @param {{ key: string, bindings: Binding[] }} union
   * @param {Member[]} wanted
   */
  #open(union, wanted) {
    const isForOthers = !wanted.some((member) => this.#relay.live?.routes.carries.has(member));
    if (isForOthers) this.#relay.close();
    const { endpoint, pingInterval, resume } = wanted[0];
    const { bindings } = union;
    const place = this.#beginning(wanted);
    const token = tokenAmong(this.members);
    // Who comes later may want to know how the broker is.
    const more = { status: true, fetch: this.#fetch };
    const options = { endpoint, bindings, pingInterval, resume, token, place, ...more };
    this.#relay.open((sink) => new Connection(options, sink), new Routes(union, wanted));
  }

  /**
   * @param {Member[]} wanted
   * @returns {Place | null} where their stream is to begin
   */
  #beginning([first, ...others]) {
    const { live } = this.#relay;
    if (live) return live.cursor === null ? null : { cursor: live.cursor };
    return others.length ? null : this.#roster.placeOf(first);
  }

  /** @returns {Owner<Member, Routes<Member>>} what the relay calls */
  #owner() {
    const roster = this.#roster;
    return {
      changed: (link, old, event) => roster.changed(link, old, event),
      led: () => {},
      over: () => this.#settleIn(0),
      refused: (link, error) => this.#refused(link, error),
      ended: (link, error) => this.#ended(link, error),
      readyAgain: (link, event) => roster.readyAgain(link, event),
      give: (heard, members) => roster.give(heard, members),
      isAmong: (member, members) => roster.isAmong(member, members),
      gap: (link, gap) => roster.gap(link, gap),
      moved: (link) => this.#tell(link, (sink) => this.#at(link, sink)),
      lost: (old, reason) => roster.lost(old, reason),
      ping: (link, ping) => {
        if (link === this.#relay.live && link.isReady) roster.pinged(ping);
        this.#tell(link, (sink) => {
          this.#at(link, sink);
          sink.ping(ping);
        });
      },
      // To those that read a stream of their own for a while, too.
      status: (link, status) => {
        for (const { sink } of roster.of(link)) sink.status(status);
      },
      stale: (link, stale) => this.#tell(link, (sink) => sink.stale(stale)),
      error: (link, error) => this.#tell(link, (sink) => sink.error(error)),
      state: (link, state) => {
        // A stream's end matters to the listeners only if they are at fault; see `#refused`.
        if (state.phase === "closed") return;
        this.#tell(link, (sink) => sink.state({ ...state, shared: true }));
      },
    };
  }

  /**
   * Tells a listener its place, unless messages before it may still be held.
   * @param {Shared} link
   * @param {Sink} sink
   */
  #at({ cursor }, sink) {
    if (cursor !== null && !this.#relay.isBusy) sink.at(cursor);
  }

  /** Takes in listeners whose bindings the stream has already. */
  #admit() {
    const live = /** @type {Shared} */ (this.#relay.live);
    live.routes.carry(this.#batch);
    const { lastStatus } = live;
    if (lastStatus) for (const { sink } of this.#batch) sink.status(lastStatus);
    const event = { first: false, resumed: live.cursor !== null, isTold: false };
    if (live.isReady) this.#roster.welcome(this.#batch, live, event);
    this.#settleIn(0);
  }

  /**
   * The server refuses the union with these listeners in it.
   * @param {Shared} link
   * @param {PulseEventsError} error
   */
  #refused(link, error) {
    const { live } = this.#relay;
    // With a stream that is lost, it may be any listener's fault: ask for each alone.
    if (live && !live.isReady) return this.#ended(live, error);
    // Fewer bindings are refused: the stream that is open does as well, until it fails too.
    if (!this.#batch.length) return this.#settleIn(RETRY_MS);
    const present = this.#batch.filter((member) => this.members.has(member));
    if (present.length > 1) this.#oneByOne = true;
    else for (const member of present) this.#roster.reject(member, inItsWords(error, link, member));
    this.#settle();
  }

  /**
   * The server refuses what it carried before: some listener's exchange is gone.
   * @param {Shared} link
   * @param {PulseEventsError} error
   */
  #ended(link, error) {
    this.#roster.ended(link, error.message);
    this.#relay.close();
    this.#oneByOne = true;
    this.#settle();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#relay.close();
    this.#onEmpty();
  }

  /**
   * @param {Shared} link
   * @param {(sink: Sink) => void} say
   */
  #tell(link, say) {
    const members = link === this.#relay.next ? this.#batch : link.routes.carries;
    this.#roster.tell(members, say);
  }
}

/**
 * The server counts in the union's list, a listener in its own.
 * @param {PulseEventsError} error
 * @param {Shared} link
 * @param {Member} member
 */
function inItsWords(error, { routes }, { bindings }) {
  const message = error.message.replace(/^bindings\[(\d+)\]/, (_, index) => {
    const { exchange, routingKeyPattern } = routes.bindings[index] ?? {};
    const at = bindings.findIndex(
      (own) => own.exchange === exchange && own.routingKeyPattern === routingKeyPattern,
    );
    return at < 0 ? "a binding of another listener" : `bindings[${at}]`;
  });
  return PulseEventsError.from({ ...error.toJSON(), message });
}
