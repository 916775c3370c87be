// @ts-check
/**
 * The listeners of one stream, and the change from one stream to the next when their union changes.
 *
 * The new stream is opened before the old one is closed.  A listener that makes the server refuse
 * the union is found and told, the others go on.
 */
import { Handover } from "./handover.js";
import { Link } from "./link.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Member } from "./switchboard.js" */
/** @import { PulseEventsError } from "./errors.js" */
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
  /** @type {Link | null} */
  #live = null;
  /** @type {Link | null} */
  #next = null;
  /** @type {Handover | null} */
  #handover = null;
  /** Add one listener at a time: some listener's bindings are refused. */
  #oneByOne = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
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
    if (this.#next?.connection.hasFailed) this.#dropNext();
    this.#settleIn(SETTLE_MS);
  }

  /** @param {Member} member */
  remove(member) {
    this.members.delete(member);
    this.#told.delete(member);
    this.#settleIn(LINGER_MS);
  }

  wake() {
    for (const link of this.#links()) link.connection.wake();
  }

  /** @param {string} reason */
  pause(reason) {
    for (const link of this.#links()) link.connection.pause(reason);
  }

  resume() {
    for (const link of this.#links()) link.connection.resume();
  }

  #links() {
    return [this.#live, this.#next].filter((link) => link !== null);
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
    if (this.#next || this.#handover) return; // comes back here when that is over
    const present = [...this.members].filter((member) => this.#live?.carries.has(member));
    const waiting = [...this.members].filter((member) => !this.#live?.carries.has(member));
    if (!waiting.length) this.#oneByOne = false;
    const batch = this.#oneByOne ? waiting.slice(0, 1) : waiting;
    const wanted = [...present, ...batch];
    const { key, bindings } = unionOf(wanted);
    if (key !== this.#live?.key) this.#open(key, bindings, wanted, batch);
    else if (batch.length) this.#admit(batch);
  }

  /**
   * @param {string} key
   * @param {Binding[]} bindings
   * @param {Member[]} wanted
   * @param {Member[]} batch
   */
  #open(key, bindings, wanted, batch) {
    const { endpoint, pingInterval } = wanted[0];
    const link = new Link({ endpoint, bindings, pingInterval, fetch: this.#fetch }, key, wanted);
    this.#next = link;
    link.onReady = () => this.#change(link);
    link.onFailed = (error) => this.#refused(batch, error);
    link.onNews = (tell) => batch.forEach((member) => tell(member.sink));
    this.#live?.record();
    link.connection.start();
  }

  /**
   * The next stream carries everything: make it the one.
   * @param {Link} link
   */
  #change(link) {
    const old = this.#live;
    this.#next = null;
    this.#live = link;
    this.#attach(link);
    for (const member of link.carries) this.#arrive(member, old);
    if (!old) return this.#settleIn(0);
    this.#handover = new Handover(old, link, {
      deliver: (text, members) => this.#deliver(text, members),
      lost: (reason) => this.#missing(old, link, reason),
      over: () => {
        this.#handover = null;
        this.#attach(link);
        this.#settleIn(0);
      },
    });
    this.#handover.start();
  }

  /** @param {Link} link */
  #attach(link) {
    link.onFailed = (error) => this.#lost(link, error);
    link.onNews = (tell) => this.#each(link, (member) => tell(member.sink));
    link.onMessage = ({ text, message }) => this.#deliver(text, link.match(message));
    link.onGap = (gap) =>
      this.#each(link, (member) => this.#told.has(member) && member.sink.gap(gap));
    link.onReadyAgain = () => this.#each(link, (member) => this.#readyAgain(member));
  }

  /** @param {Member} member */
  #readyAgain(member) {
    const first = !this.#told.has(member);
    this.#told.set(member, null);
    member.sink.ready({ first });
  }

  /**
   * Tells a listener what the change means for it: nothing, if the old stream carried it well.
   * @param {Member} member
   * @param {Link | null} old
   */
  #arrive(member, old) {
    if (!this.members.has(member)) return;
    if (old?.connection.isReady && old.carries.has(member)) return;
    const first = !this.#told.has(member);
    const loss =
      !first && old?.carries.has(member)
        ? { reason: old.reason, from: old.connection.heardAt }
        : this.#told.get(member);
    this.#told.set(member, null);
    member.sink.state({ phase: "open", reason: "", retryAt: null, attempt: 1, shared: true });
    if (loss) this.#gap(member, loss.reason, loss.from);
    member.sink.ready({ first });
  }

  /** @param {Member[]} batch listeners whose bindings the stream has already */
  #admit(batch) {
    const live = /** @type {Link} */ (this.#live);
    live.carry(batch);
    if (live.connection.isReady) batch.forEach((member) => this.#arrive(member, null));
    this.#settleIn(0);
  }

  /**
   * The server refuses the union with these listeners in it.
   * @param {Member[]} batch
   * @param {PulseEventsError} error
   */
  #refused(batch, error) {
    this.#dropNext();
    // Fewer bindings are refused: the stream that is open does as well, until it fails too.
    if (!batch.length) return this.#settleIn(RETRY_MS);
    const present = batch.filter((member) => this.members.has(member));
    if (present.length > 1) this.#oneByOne = true;
    else for (const member of present) this.#reject(member, error);
    this.#settle();
  }

  /**
   * @param {Member} member
   * @param {PulseEventsError} error
   */
  #reject(member, error) {
    this.members.delete(member);
    this.#told.delete(member);
    member.sink.end(error);
  }

  /**
   * The server refuses what it carried before: some listener's exchange is gone.
   * @param {Link} link
   * @param {PulseEventsError} error
   */
  #lost(link, error) {
    const loss = { reason: error.message, from: link.connection.heardAt };
    this.#each(link, (member) => this.#told.has(member) && this.#told.set(member, loss));
    this.#handover?.stop();
    this.#handover = null;
    this.#live = null;
    this.#dropNext();
    this.#oneByOne = true;
    this.#settle();
  }

  #dropNext() {
    this.#next?.close();
    this.#next = null;
  }

  #close() {
    clearTimeout(this.#timer);
    this.#handover?.stop();
    for (const link of this.#links()) link.close();
    this.#live = this.#next = this.#handover = null;
    this.#onEmpty();
  }

  /**
   * @param {string} text
   * @param {Iterable<Member>} members
   */
  #deliver(text, members) {
    for (const member of members) {
      if (this.members.has(member)) member.sink.message(text);
    }
  }

  /**
   * @param {Link} old
   * @param {Link} link
   * @param {string} reason
   */
  #missing(old, link, reason) {
    this.#each(old, (member) => {
      if (link.carries.has(member)) this.#gap(member, reason, old.connection.heardAt);
    });
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
   * @param {Link} link
   * @param {(member: Member) => void} act
   */
  #each(link, act) {
    for (const member of link.carries) if (this.members.has(member)) act(member);
  }
}
