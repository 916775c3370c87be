// @ts-check
/**
 * The listeners of one stream, and the change from one stream to the next when their union changes.
 *
 * A listener that makes the server refuse the union is found and told, the others go on.  One that
 * begins at a place of its own, or that must not get what the others still have to, comes to the
 * stream by a `CatchUp`.
 */
import { CatchUp } from "./catch-up.js";
import { Connection } from "./connection.js";
import { PulseEventsError } from "./errors.js";
import { Relay } from "./relay.js";
import { Routes } from "./routes.js";

/** @import { Binding, Gap } from "../pulse-events.d.ts" */
/** @import { Ready, Sink } from "./connection.js" */
/** @import { Heard, Link } from "./link.js" */
/** @import { Owner } from "./relay.js" */
/** @import { Member } from "./switchboard.js" */
/** @typedef {Link<Member, Routes<Member>>} Shared */
/** @import { Place } from "./requests.js" */
/** @typedef {{ reason: string, from: number }} Loss */

/** Listeners come and go together when a page loads or closes. */
const SETTLE_MS = 20;
/** How long a stream may be wider than its listeners need, so that a reload costs nothing. */
const LINGER_MS = 1000;
const RETRY_MS = 30_000;

/**
 * @param {Iterable<Member>} members
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

export class Group {
  /** @type {Set<Member>} */
  members = new Set();
  /**
   * Members that have had `ready`; a loss is what happened since.
   * @type {Map<Member, Loss | null>}
   */
  #told = new Map();
  /** Who waits for the next stream. @type {Member[]} */
  #batch = [];
  /** Where listeners begin that do not begin now. @type {Map<Member, Place>} */
  #places = new Map();
  /** The only listener of a stream, which begins where that one wants. @type {Member | null} */
  #alone = null;
  /** @type {Map<Member, CatchUp>} */
  #catchUps = new Map();
  /** Add one listener at a time: some listener's bindings are refused. */
  #oneByOne = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Relay<Member, Routes<Member>>} */
  #relay = new Relay(0, this.#owner());
  #fetch;
  #onEmpty;

  /**
   * @param {import("./requests.js").Fetch} fetch
   * @param {() => void} onEmpty
   */
  constructor(fetch, onEmpty) {
    this.#fetch = fetch;
    this.#onEmpty = onEmpty;
  }

  /** @param {Member} member */
  add(member) {
    this.members.add(member);
    if (member.place) this.#places.set(member, member.place);
    if (this.#relay.next?.hasFailed) this.#relay.drop();
    this.#settleIn(SETTLE_MS);
  }

  /** @param {Member} member */
  remove(member) {
    this.#forget(member);
    const isWaitedFor = !this.#batch.length || this.#batch.some((each) => this.members.has(each));
    if (!isWaitedFor) this.#relay.drop();
    this.#settleIn(LINGER_MS);
  }

  wake() {
    for (const link of [...this.#relay.links, ...this.#catchUps.values()]) link.wake();
  }

  /** @param {Member} member */
  #forget(member) {
    this.members.delete(member);
    this.#told.delete(member);
    this.#places.delete(member);
    const catchUp = this.#catchUps.get(member);
    this.#catchUps.delete(member);
    if (catchUp && ![...this.#catchUps.values()].includes(catchUp)) catchUp.close();
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
    const { endpoint, pingInterval, resume } = wanted[0];
    const { bindings } = union;
    const place = this.#beginning(wanted);
    const options = { endpoint, bindings, pingInterval, resume, place, fetch: this.#fetch };
    this.#relay.open((sink) => new Connection(options, sink), new Routes(union, wanted));
  }

  /**
   * @param {Member[]} wanted
   * @returns {Place | null} where their stream is to begin
   */
  #beginning(wanted) {
    const { live } = this.#relay;
    const [first, ...others] = wanted;
    this.#alone = live || others.length ? null : first;
    if (this.#alone) return this.#places.get(first) ?? null;
    return live?.cursor ? { cursor: live.cursor } : null;
  }

  /** @returns {Owner<Member, Routes<Member>>} what the relay calls */
  #owner() {
    return {
      changed: (link, old, event) => this.#changed(link, old, event),
      led: () => {},
      over: () => this.#settleIn(0),
      refused: (link, error) => this.#refused(link, error),
      ended: (link, error) => this.#ended(link, error),
      readyAgain: (link, event) => this.#readyAgain(link, event),
      give: (heard, members) => this.#give(heard, members),
      gap: (link, gap) => this.#each(link, (member) => this.#gapOf(member, gap)),
      lost: (old, reason) => this.#lost(old, reason),
      ping: (link, ping) =>
        this.#tell(link, (sink) => {
          if (link.cursor !== null && !this.#relay.isBusy) sink.at(link.cursor);
          sink.ping(ping);
        }),
      stale: (link, stale) => this.#tell(link, (sink) => sink.stale(stale)),
      error: (link, error) => this.#tell(link, (sink) => sink.error(error)),
      state: (link, state) => {
        // A stream's end matters to the listeners only if they are at fault; see `#reject`.
        if (state.phase === "closed") return;
        this.#tell(link, (sink) => sink.state({ ...state, shared: true }));
      },
    };
  }

  /**
   * Tells the listeners what the change means for them: nothing, if the old stream carried them
   * well.
   * @param {Shared} link
   * @param {Shared | null} old
   * @param {Ready} event
   */
  #changed(link, old, event) {
    /** @type {Member[]} */
    const arriving = [];
    this.#each(link, (member) => {
      const before = old?.routes.carries.has(member) ? old : null;
      if (before?.isReady) return;
      if (!before || !this.#told.has(member)) return arriving.push(member);
      if (!event.isTold) this.#told.set(member, { reason: before.reason, from: before.heardAt });
      this.#arrive(member, link, event);
    });
    this.#welcome(arriving, link, event);
  }

  /**
   * @param {Shared} link
   * @param {Ready} event
   */
  #readyAgain(link, event) {
    const [known, others] = [true, false].map((isKnown) =>
      [...link.routes.carries].filter((member) => this.#told.has(member) === isKnown),
    );
    for (const member of known) if (this.members.has(member)) this.#arrive(member, link, event);
    this.#welcome(
      others.filter((member) => this.members.has(member)),
      link,
      event,
    );
  }

  /**
   * Takes in listeners that the stream did not carry before.
   * @param {Member[]} members
   * @param {Shared} link
   * @param {Ready} event
   */
  #welcome(members, link, event) {
    /** @type {Member[]} */
    const fresh = [];
    for (const member of members) {
      const place = this.#places.get(member);
      const isOnItsOwn = this.#catchUps.has(member);
      if (member === this.#alone || isOnItsOwn || this.#goesOn(member)) {
        this.#arrive(member, link, event);
      } else if (place) {
        this.#catchUp(place, [member]);
      } else if (event.resumed && event.isTold && !this.#told.has(member)) {
        fresh.push(member); // what the others still have to get is older than its `ready`
      } else {
        this.#arrive(member, link, { ...event, resumed: false, isTold: false });
      }
    }
    if (fresh.length) this.#catchUp({}, fresh);
  }

  /**
   * @param {Member} member
   * @returns {boolean} whether it takes the place of one that gets the same from this stream
   */
  #goesOn({ follows }) {
    return Boolean(follows && this.#told.has(follows) && !this.#isOnItsOwn(follows));
  }

  /** @param {Member} member */
  #isOnItsOwn(member) {
    return this.#catchUps.get(member)?.isOnItsOwn ?? false;
  }

  /**
   * @param {Member} member
   * @param {Shared} link
   * @param {Ready} event
   */
  #arrive(member, link, event) {
    if (this.#isOnItsOwn(member)) return this.#catchUps.get(member)?.forget();
    const loss = this.#told.get(member);
    const first = !this.#told.has(member);
    this.#told.set(member, null);
    this.#places.delete(member);
    member.sink.state({ phase: "open", reason: "", retryAt: null, attempt: 1, shared: true });
    if (loss) this.#gap(member, loss.reason, loss.from);
    if (link.cursor !== null) member.sink.at(link.cursor);
    member.sink.ready({ ...event, first });
  }

  /**
   * @param {Member} member
   * @param {Gap} gap of the stream
   */
  #gapOf(member, gap) {
    if (this.#isOnItsOwn(member)) this.#catchUps.get(member)?.forget();
    else if (this.#told.has(member)) member.sink.gap(gap);
  }

  /**
   * @param {Place} place
   * @param {Member[]} members
   */
  #catchUp(place, members) {
    const routes = new Routes(unionOf(members), members);
    const present = (/** @type {Iterable<Member>} */ all) =>
      [...all].filter((member) => this.members.has(member));
    /** @type {CatchUp} */
    const catchUp = new CatchUp(place, routes, this.#fetch, {
      at: (all, cursor) => present(all).forEach(({ sink }) => sink.at(cursor)),
      give: (heard, to) => this.#deliver(heard, present(to)),
      ready: (all, event) => this.#readyOnItsOwn(present(all), event),
      gap: (all, gap) => present(all).forEach(({ sink }) => sink.gap(gap)),
      state: (all, state) =>
        present(all).forEach(({ sink }) => sink.state({ ...state, shared: true })),
      error: (all, error) => present(all).forEach(({ sink }) => sink.error(error)),
      ended: (all, error) => present(all).forEach((member) => this.#reject(member, error)),
      over: () => members.forEach((member) => this.#catchUps.delete(member)),
    });
    for (const member of members) this.#catchUps.set(member, catchUp);
    catchUp.start();
  }

  /**
   * @param {Member[]} members
   * @param {Ready} event
   */
  #readyOnItsOwn(members, event) {
    for (const member of members) {
      const first = !this.#told.has(member);
      this.#told.set(member, null);
      this.#places.delete(member);
      member.sink.ready({ ...event, first });
    }
  }

  /** Takes in listeners whose bindings the stream has already. */
  #admit() {
    const live = /** @type {Shared} */ (this.#relay.live);
    live.routes.carry(this.#batch);
    const event = { first: false, resumed: live.cursor !== null, isTold: false };
    if (live.isReady) this.#welcome(this.#batch, live, event);
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
    else for (const member of present) this.#reject(member, inItsWords(error, link, member));
    this.#settle();
  }

  /**
   * @param {Member} member
   * @param {PulseEventsError} error
   */
  #reject(member, error) {
    this.#forget(member);
    member.sink.end(error);
  }

  /**
   * The server refuses what it carried before: some listener's exchange is gone.
   * @param {Shared} link
   * @param {PulseEventsError} error
   */
  #ended(link, error) {
    const { cursor } = link;
    const loss = { reason: error.message, from: link.heardAt };
    this.#each(link, (member) => {
      if (!this.#told.has(member) || this.#isOnItsOwn(member)) return;
      if (cursor === null) this.#told.set(member, loss);
      else this.#places.set(member, { cursor });
    });
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
   * @param {Heard} heard
   * @param {Iterable<Member>} members
   */
  #give(heard, members) {
    const catchUps = new Set();
    for (const member of members) {
      const catchUp = this.#catchUps.get(member);
      if (catchUp) catchUps.add(catchUp);
      else this.#deliver(heard, [member]);
    }
    for (const catchUp of catchUps) catchUp.hear(heard);
  }

  /**
   * @param {Heard} heard
   * @param {Iterable<Member>} members
   */
  #deliver({ text, cursor }, members) {
    for (const member of members) {
      if (!this.members.has(member)) continue;
      if (cursor !== null) member.sink.at(cursor);
      member.sink.message(text);
    }
  }

  /**
   * @param {Shared} old
   * @param {string} reason
   */
  #lost(old, reason) {
    this.#each(old, (member) => this.#gap(member, reason, old.heardAt));
  }

  /**
   * @param {Member} member
   * @param {string} reason
   * @param {number} from
   */
  #gap(member, reason, from) {
    member.sink.gap({
      reason,
      from: new Date(from).toISOString(),
      to: new Date().toISOString(),
    });
  }

  /**
   * @param {Shared} link
   * @param {(sink: Sink) => void} say
   */
  #tell(link, say) {
    const members = link === this.#relay.next ? this.#batch : link.routes.carries;
    for (const member of members) {
      if (this.members.has(member) && !this.#isOnItsOwn(member)) say(member.sink);
    }
  }

  /**
   * @param {Shared} link
   * @param {(member: Member) => void} act
   */
  #each(link, act) {
    for (const member of link.routes.carries) if (this.members.has(member)) act(member);
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
