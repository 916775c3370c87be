// @ts-check
/**
 * The listeners of one stream, and the change from one stream to the next when their union changes.
 *
 * A listener that makes the server refuse the union is found and told, the others go on.
 */
import { Connection } from "./connection.js";
import { PulseEventsError } from "./errors.js";
import { Relay } from "./relay.js";
import { Routes } from "./routes.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Sink } from "./connection.js" */
/** @import { Heard, Link } from "./link.js" */
/** @import { Owner } from "./relay.js" */
/** @import { Member } from "./switchboard.js" */
/** @typedef {Link<Member, Routes<Member>>} Shared */
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
    if (this.#relay.next?.hasFailed) this.#relay.drop();
    this.#settleIn(SETTLE_MS);
  }

  /** @param {Member} member */
  remove(member) {
    this.members.delete(member);
    this.#told.delete(member);
    const isWaitedFor = !this.#batch.length || this.#batch.some((each) => this.members.has(each));
    if (!isWaitedFor) this.#relay.drop();
    this.#settleIn(LINGER_MS);
  }

  wake() {
    for (const link of this.#relay.links) link.wake();
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
    const { endpoint, pingInterval } = wanted[0];
    const { bindings } = union;
    const options = { endpoint, bindings, pingInterval, fetch: this.#fetch };
    this.#relay.open((sink) => new Connection(options, sink), new Routes(union, wanted));
  }

  /** @returns {Owner<Member, Routes<Member>>} what the relay calls */
  #owner() {
    return {
      changed: (link, old) => {
        for (const member of link.routes.carries) this.#arrive(member, old);
      },
      led: () => {},
      over: () => this.#settleIn(0),
      refused: (link, error) => this.#refused(link, error),
      ended: (link, error) => this.#ended(link, error),
      readyAgain: (link) => this.#each(link, (member) => this.#readyAgain(member)),
      give: (heard, members) => this.#give(heard, members),
      gap: (link, gap) =>
        this.#each(link, (member) => this.#told.has(member) && member.sink.gap(gap)),
      lost: (old, reason) => this.#lost(old, reason),
      ping: (link, ping) => this.#tell(link, (sink) => sink.ping(ping)),
      stale: (link, stale) => this.#tell(link, (sink) => sink.stale(stale)),
      error: (link, error) => this.#tell(link, (sink) => sink.error(error)),
      state: (link, state) => {
        // A stream's end matters to the listeners only if they are at fault; see `#reject`.
        if (state.phase === "closed") return;
        this.#tell(link, (sink) => sink.state({ ...state, shared: true }));
      },
    };
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
   * @param {Shared | null} old
   */
  #arrive(member, old) {
    if (!this.members.has(member)) return;
    const before = old?.routes.carries.has(member) ? old : null;
    if (before?.isReady) return;
    const first = !this.#told.has(member);
    const loss =
      !first && before ? { reason: before.reason, from: before.heardAt } : this.#told.get(member);
    this.#told.set(member, null);
    member.sink.state({ phase: "open", reason: "", retryAt: null, attempt: 1, shared: true });
    if (loss) this.#gap(member, loss.reason, loss.from);
    member.sink.ready({ first });
  }

  /** Takes in listeners whose bindings the stream has already. */
  #admit() {
    const live = /** @type {Shared} */ (this.#relay.live);
    live.routes.carry(this.#batch);
    if (live.isReady) for (const member of this.#batch) this.#arrive(member, null);
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
    this.members.delete(member);
    this.#told.delete(member);
    member.sink.end(error);
  }

  /**
   * The server refuses what it carried before: some listener's exchange is gone.
   * @param {Shared} link
   * @param {PulseEventsError} error
   */
  #ended(link, error) {
    const loss = { reason: error.message, from: link.heardAt };
    this.#each(link, (member) => this.#told.has(member) && this.#told.set(member, loss));
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
  #give({ text }, members) {
    for (const member of members) {
      if (this.members.has(member)) member.sink.message(text);
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
    for (const member of members) if (this.members.has(member)) say(member.sink);
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
