// @ts-check
/**
 * The listeners of one stream: what each has been told, and what it is to get.
 *
 * Most begin when the stream is ready.  One that begins at a place of its own, or that must not get
 * what the others have still to get, comes to the stream by a `CatchUp`.
 */
import { CatchUp } from "./catch-up.js";
import { Routes, unionOf } from "./routes.js";

/** @import { Gap } from "../pulse-events.d.ts" */
/** @import { Ready, Sink } from "./connection.js" */
/** @import { PulseEventsError } from "./errors.js" */
/** @import { Heard, Link } from "./link.js" */
/** @import { Fetch, Place } from "./requests.js" */
/** @import { Member } from "./switchboard.js" */
/** @typedef {Link<Member, Routes<Member>>} Shared */
/** @typedef {{ reason: string, from: number }} Loss */

/** As often may a listener be replaced while a stream brings again what it had. */
const BEFORE_LIMIT = 16;

export class Roster {
  /** @type {Set<Member>} */
  members = new Set();
  /**
   * Members that have had `ready`; a loss is what happened since.
   * @type {Map<Member, Loss | null>}
   */
  #told = new Map();
  /** Where those begin that do not begin now. @type {Map<Member, Place>} */
  #places = new Map();
  /** @type {Map<Member, CatchUp>} */
  #catchUps = new Map();
  /** Whose place those took that went on from others, the newest first. @type {Map<Member, Member[]>} */
  #before = new Map();
  #fetch;

  /** @param {Fetch} fetch */
  constructor(fetch) {
    this.#fetch = fetch;
  }

  /** @param {Member} member */
  add(member) {
    this.members.add(member);
    if (member.place) this.#places.set(member, member.place);
  }

  /** @param {Member} member */
  remove(member) {
    this.members.delete(member);
    this.#told.delete(member);
    this.#places.delete(member);
    this.#before.delete(member);
    const catchUp = this.#catchUps.get(member);
    this.#catchUps.delete(member);
    if (catchUp && ![...this.#catchUps.values()].includes(catchUp)) catchUp.close();
  }

  /**
   * @param {Member} member
   * @param {PulseEventsError} error
   */
  reject(member, error) {
    this.remove(member);
    member.sink.end(error);
  }

  /**
   * @param {Member} member
   * @param {ReadonlySet<Member>} members
   * @returns {boolean} whether it is among them, or took the place of one that is
   */
  isAmong(member, members) {
    const before = this.#before.get(member) ?? [];
    return [member, ...before].some((each) => members.has(each));
  }

  wake() {
    for (const catchUp of this.#catchUps.values()) catchUp.wake();
  }

  /**
   * @param {Member} member
   * @returns {Place | null} where it is to begin, if not now
   */
  placeOf(member) {
    return this.#places.get(member) ?? null;
  }

  /**
   * Tells the listeners of a new stream what that means for them: nothing, if the old one carried
   * them well.
   * @param {Shared} link
   * @param {Shared | null} old
   * @param {Ready} event
   */
  changed(link, old, event) {
    /** @type {Member[]} */
    const arriving = [];
    for (const member of this.of(link)) {
      const before = old?.routes.carries.has(member) ? old : null;
      if (before?.isReady) continue;
      if (!before || !this.#told.has(member)) {
        arriving.push(member);
      } else {
        if (!event.isTold) this.#told.set(member, { reason: before.reason, from: before.heardAt });
        this.#arrive(member, link, event);
      }
    }
    this.welcome(arriving, link, event);
  }

  /**
   * @param {Shared} link
   * @param {Ready} event
   */
  readyAgain(link, event) {
    const all = this.of(link);
    const fresh = all.filter((member) => !this.#told.has(member));
    for (const member of all) if (this.#told.has(member)) this.#arrive(member, link, event);
    this.welcome(fresh, link, event);
  }

  /**
   * Takes in listeners that the stream did not carry before.
   * @param {Member[]} members
   * @param {Shared} link
   * @param {Ready} event
   */
  welcome(members, link, event) {
    /** @type {Member[]} */
    const fresh = [];
    for (const member of members) {
      const place = this.placeOf(member);
      if (this.#catchUps.has(member) || isAlone(link, member)) {
        this.#arrive(member, link, event);
      } else if (this.#goesOn(member)) {
        const before = /** @type {Member} */ (member.follows);
        const all = [before, ...(this.#before.get(before) ?? [])];
        this.#before.set(member, all.slice(0, BEFORE_LIMIT));
        // What the other one missed the stream has told it, or tells both.
        this.#arrive(member, link, { ...event, isTold: link.cursor !== null });
      } else if (place) {
        this.#catchUp(place, [member]);
      } else if (event.resumed && event.isTold && !this.#told.has(member)) {
        fresh.push(member); // what the others have still to get is older than its `ready`
      } else {
        this.#arrive(member, link, { ...event, resumed: false, isTold: false });
      }
    }
    if (fresh.length) this.#catchUp({}, fresh);
  }

  /**
   * @param {Heard} heard
   * @param {Iterable<Member>} members
   */
  give(heard, members) {
    const catchUps = new Set();
    for (const member of members) {
      const catchUp = this.#catchUps.get(member);
      if (catchUp) catchUps.add(catchUp);
      else this.#deliver(heard, [member]);
    }
    for (const catchUp of catchUps) catchUp.hear(heard);
  }

  /**
   * @param {Shared} link
   * @param {Gap} gap
   */
  gap(link, gap) {
    for (const member of this.of(link)) {
      if (this.#isOnItsOwn(member)) {
        this.#catchUps.get(member)?.forget();
      } else if (this.#told.has(member)) {
        if (link.cursor !== null) member.sink.at(link.cursor);
        member.sink.gap(gap);
      }
    }
  }

  /**
   * The stream that leads has pinged.
   * @param {{ time: string }} ping
   */
  pinged(ping) {
    for (const catchUp of new Set(this.#catchUps.values())) catchUp.sharedPing(ping);
  }

  /**
   * The stream has ended for good; its listeners go on elsewhere.
   * @param {Shared} link
   * @param {string} reason
   */
  ended(link, reason) {
    const { cursor } = link;
    const loss = { reason, from: link.heardAt };
    for (const member of this.of(link)) {
      if (!this.#told.has(member) || this.#isOnItsOwn(member)) continue;
      if (cursor === null) this.#told.set(member, loss);
      else this.#places.set(member, { cursor });
    }
  }

  /**
   * @param {Shared} old
   * @param {string} reason
   */
  lost(old, reason) {
    for (const member of this.of(old)) tellGap(member, { reason, from: old.heardAt });
  }

  /**
   * Says something of the stream.
   * @param {Iterable<Member>} members
   * @param {(sink: Sink) => void} say
   */
  tell(members, say) {
    for (const member of members) {
      if (this.members.has(member) && !this.#isOnItsOwn(member)) say(member.sink);
    }
  }

  /**
   * @param {Shared} link
   * @returns {Member[]} those it carries that have not left
   */
  of(link) {
    return this.#present(link.routes.carries);
  }

  /** @param {Iterable<Member>} members */
  #present(members) {
    return [...members].filter((member) => this.members.has(member));
  }

  /**
   * @param {Member} member
   * @returns {boolean} whether it takes the place of one that gets the same from this stream
   */
  #goesOn({ follows }) {
    // With a catch-up, even one that has switched, that one has had what this stream still brings.
    return Boolean(follows && this.#told.has(follows) && !this.#catchUps.has(follows));
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
    member.sink.state({ phase: "open", reason: "", retryAt: null, attempt: 1, shared: true });
    if (loss) tellGap(member, loss);
    if (link.cursor !== null) member.sink.at(link.cursor);
    this.#ready(member, event);
  }

  /**
   * @param {Member} member
   * @param {Ready} event
   */
  #ready(member, event) {
    const first = !this.#told.has(member);
    this.#told.set(member, null);
    this.#places.delete(member);
    member.sink.ready({ ...event, first });
  }

  /**
   * @param {Place} place
   * @param {Member[]} members
   */
  #catchUp(place, members) {
    const routes = new Routes(unionOf(members), members);
    /** @type {(tell: (sink: Sink) => void) => void} */
    const toAll = (tell) => {
      for (const { sink } of this.#present(members)) tell(sink);
    };
    const catchUp = new CatchUp(place, routes, this.#fetch, {
      at: (cursor) => toAll((sink) => sink.at(cursor)),
      give: (heard, to) => this.#deliver(heard, to),
      ready: (event) => {
        for (const member of this.#present(members)) this.#ready(member, event);
      },
      gap: (gap) => toAll((sink) => sink.gap(gap)),
      ping: (ping) => toAll((sink) => sink.ping(ping)),
      state: (state) => toAll((sink) => sink.state({ ...state, shared: true })),
      error: (error) => toAll((sink) => sink.error(error)),
      ended: (error) => {
        for (const member of this.#present(members)) this.reject(member, error);
      },
      over: () => {
        for (const member of members) this.#catchUps.delete(member);
      },
    });
    for (const member of members) this.#catchUps.set(member, catchUp);
    catchUp.start();
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
}

/**
 * @param {Shared} link
 * @param {Member} member
 * @returns {boolean} whether the stream was opened for this listener, and so begins at its place
 */
const isAlone = ({ routes }, member) => routes.carries.size === 1 && routes.carries.has(member);

/**
 * @param {Member} member
 * @param {Loss} loss until now
 */
function tellGap({ sink }, { reason, from }) {
  sink.gap({ reason, from: new Date(from).toISOString(), to: new Date().toISOString() });
}
