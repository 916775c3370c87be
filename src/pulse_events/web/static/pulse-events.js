// @ts-check
/**
 * Listens to the messages of a pulse-events server.
 *
 *     import { listen } from "https://pulse-events.example/events/v1/client.js";
 *     const exchange = "exchange/taskcluster-queue/v1/task-failed";
 *     const bindings = [{ exchange, routingKeyPattern: "#" }];
 *     for await (const message of listen(bindings)) console.log(message.payload.status.taskId);
 */
import { Connection } from "./client/connection.js";
import { PulseEventsError } from "./client/errors.js";
import { watchLifetime } from "./client/lifetime.js";
import { workerAt } from "./client/line.js";
import { Deferred, Queue } from "./client/queue.js";
import { endpointOf, knowConfig } from "./client/requests.js";
import { SharedListener } from "./client/shared.js";
import { Subscription } from "./client/subscription.js";
import { matches, Router } from "./client/topics.js";

/** @import { Binding, BrokerStatus, Gap, ListenOptions, Message } from "./pulse-events.js" */
/** @import { State } from "./pulse-events.js" */
/** @import { Listening as Interface } from "./pulse-events.js" */
/** @import { Heard } from "./client/link.js" */
/** @import { Place } from "./client/requests.js" */
/** @import { Open } from "./client/subscription.js" */

export { matches, PulseEventsError };

/**
 * Listens until closed; see `pulse-events.d.ts` for the options.
 * @param {readonly Binding[]} bindings
 * @param {ListenOptions} options
 * @returns {Listening}
 */
export function listen(bindings, options = {}) {
  return new Listening(bindings, options);
}

/**
 * @param {readonly Binding[]} bindings
 * @param {Pick<Message, "exchange" | "routingKey" | "cc">} message
 * @returns {boolean} whether a stream with these bindings would bring the message
 */
export function matchesMessage(bindings, message) {
  const router = new Router();
  router.add(listed(bindings), true);
  return router.match(message).size > 0;
}

/**
 * What is wrong in content is for the server to say, in its own words; this is about shape.
 * @param {readonly Binding[]} bindings
 * @returns {Binding[]}
 * @throws {TypeError}
 */
function checked(bindings) {
  const list = listed(bindings);
  if (!list.length) throw new TypeError("there is nothing to listen to: bindings is empty");
  return list;
}

/**
 * @param {readonly Binding[]} bindings
 * @returns {Binding[]}
 * @throws {TypeError}
 */
function listed(bindings) {
  if (!Array.isArray(bindings)) {
    throw new TypeError("bindings is not a list of { exchange, routingKeyPattern }");
  }
  return bindings.map((binding) => {
    const { exchange, routingKeyPattern } = binding ?? {};
    if (typeof exchange === "string" && typeof routingKeyPattern === "string") {
      return { exchange, routingKeyPattern };
    }
    throw new TypeError("a binding is { exchange, routingKeyPattern }, both strings");
  });
}

/** Where this is; not `import.meta.url` if a bundler has made a script of it that is no module. */
const here = import.meta.url ?? scriptUrl();

function scriptUrl() {
  const script = globalThis.document?.currentScript; // Node has neither
  return script && "src" in script ? script.src : "";
}

/** The server that this module came from, if it came from one; else the page's. */
function defaultServer() {
  const isServed = here && /\/v1\/client\.js$/.test(new URL(here).pathname);
  // Not `import.meta.url` itself: bundlers would look for a file of that name.
  return isServed ? new URL("connect/", here) : (globalThis.location?.href ?? "");
}

/**
 * The worker beside this module.  Bundlers know just this form, with everything written out, and put
 * the worker beside what they make; esbuild has to be told (docs/javascript.md).
 */
function workerBesideThis() {
  if (!import.meta.url && here) return workerAt(new URL("pulse-events-worker.js", here).href)();
  return globalThis.SharedWorker
    ? new SharedWorker(new URL("./pulse-events-worker.js", import.meta.url), {
        name: "pulse-events-4", // `WORKER_NAME`
      })
    : new Worker(new URL("./pulse-events-worker.js", import.meta.url));
}

/**
 * @param {ListenOptions["worker"]} worker
 * @returns {import("./client/line.js").StartWorker | null} `null` where there can be none: in Node
 */
function startOf(worker) {
  if (typeof worker === "function") return worker;
  if (!globalThis.SharedWorker && !globalThis.Worker) return null;
  return worker === undefined ? workerBesideThis : workerAt(String(worker));
}

/**
 * @param {ListenOptions} options
 * @returns {Place | null}
 * @throws {TypeError}
 */
function placeOf({ resume, cursor, since, last }) {
  const given = [cursor, since, last].filter((each) => each !== undefined && each !== null);
  if (!given.length) return null;
  if (resume === false) throw new TypeError("without resume there is no place to begin at");
  if (given.length > 1) throw new TypeError("give one of cursor, since and last");
  if (typeof cursor === "string") return { cursor };
  if (typeof last === "number") return { last };
  return { since: since instanceof Date ? since.toISOString() : String(since) };
}

/**
 * @param {unknown} token
 * @throws {TypeError}
 */
function checkToken(token) {
  if (token === undefined || token === null) return;
  if (typeof token === "string" || typeof token === "function") return;
  throw new TypeError("token is a text, or a function that gives one");
}

/**
 * @param {ListenOptions} options
 * @returns {Open}
 * @throws {TypeError}
 */
function sourceOf(options) {
  const { url = defaultServer(), share, resume, pingInterval, token, config, worker } = options;
  const endpoint = endpointOf(url, globalThis.location?.href);
  const start = placeOf(options);
  checkToken(token);
  if (config) knowConfig(endpoint, config);
  const asked = { endpoint, pingInterval, resume, token, status: options.onStatus !== undefined };
  const startWorker = share ? startOf(worker) : null;
  const own = options.fetch ? { ...asked, fetch: options.fetch } : asked;
  return (bindings, sink, live) => {
    const cursor = live?.cursor ?? null;
    const place = cursor === null ? start : { cursor };
    if (!share) return new Connection({ ...own, bindings, place }, sink);
    const follows = live?.source instanceof SharedListener ? live.source : null;
    return new SharedListener({ ...asked, config, bindings, place, startWorker, follows }, sink);
  };
}

/**
 * What `listen` returns.
 * @implements {Interface}
 */
class Listening {
  /** @type {State} */
  state = { phase: "connecting", reason: "", retryAt: null, attempt: 0, shared: false };
  #options;
  #source;
  /** Of the last event. @type {string | null} */
  #cursor;
  /** @type {Set<Queue>} */
  #queues = new Set();
  #stopWatching = () => {};
  #ready = new Deferred();
  #closed = new Deferred();
  /** @type {PulseEventsError | null} */
  #error = null;

  /**
   * @param {readonly Binding[]} bindings
   * @param {ListenOptions} options
   */
  constructor(bindings, options) {
    if (typeof options !== "object" || !options) {
      throw new TypeError("the options are not an object, like { url }");
    }
    this.#options = options;
    this.#cursor = options.cursor ?? null;
    const { signal } = options;
    this.#source = new Subscription(sourceOf(options), checked(bindings), this.#listener());
    this.#ready.promise.catch(() => {}); // who does not ask for it is told by onError
    const abort = () => this.close();
    signal?.addEventListener("abort", abort);
    const stop = watchLifetime(this.#source);
    this.#stopWatching = () => {
      stop();
      signal?.removeEventListener("abort", abort);
    };
    if (signal?.aborted) this.close();
    // Not at once: nobody is called before they have what `listen` returns.
    queueMicrotask(() => this.state.phase !== "closed" && this.#source.start());
  }

  /** The place up to which everything was given, for `cursor` of another `listen`. */
  get cursor() {
    for (const queue of this.#queues) if (queue.isBehind) return queue.cursor;
    return this.#cursor;
  }

  /** Fulfilled by the first `ready`; rejected if there will be none. */
  get ready() {
    return this.#ready.promise;
  }

  /** Fulfilled when it has ended, whyever. */
  get closed() {
    return this.#closed.promise;
  }

  /**
   * Listens to other bindings instead; see `pulse-events.d.ts`.
   * @param {readonly Binding[]} bindings
   * @returns {Promise<void>}
   */
  rebind(bindings) {
    // Not async: that would wrap the promise in one which nobody could reject without a warning.
    try {
      if (this.state.phase !== "closed") return this.#source.rebind(checked(bindings));
      throw new PulseEventsError("the listening is closed", { code: "Closed" });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Ends it, quietly; nothing is called after this but `onState`. */
  close() {
    if (this.state.phase === "closed") return;
    this.#source.close();
    this.state = { ...this.state, phase: "closed", reason: "", retryAt: null };
    this.#ready.reject(new PulseEventsError("closed before it was ready"));
    this.#over(null);
    this.#call(this.#options.onState, this.state);
  }

  /** @returns {AsyncIterator<Message, undefined>} */
  [Symbol.asyncIterator]() {
    const queue = new Queue(this.#options.maxBuffered ?? 10_000, this.#cursor, {
      onLeave: () => this.close(),
      onDropped: (gap) => this.#call(this.#options.onGap, gap),
    });
    this.#queues.add(queue);
    if (this.state.phase === "closed") queue.end(this.#error);
    return queue;
  }

  /** What the source calls. */
  #listener() {
    const { onReady, onGap, onStale, onPing, onStatus } = this.#options;
    return {
      /** @param {string} cursor */
      at: (cursor) => {
        this.#cursor = cursor;
      },
      /** @param {{ first: boolean, resumed: boolean }} event */
      ready: (event) => {
        this.#ready.resolve();
        this.#call(onReady, event);
      },
      /** @param {Heard} heard */
      message: (heard) => this.#message(heard),
      /** @param {Gap} gap */
      gap: (gap) => this.#call(onGap, gap),
      /** @param {{ time: string }} ping */
      ping: (ping) => this.#call(onPing, ping),
      /** @param {BrokerStatus} status */
      status: (status) => this.#call(onStatus, status),
      /** @param {{ silentMs: number, intervalMs: number }} stale */
      stale: (stale) => this.#call(onStale, stale),
      /** @param {PulseEventsError} error */
      error: (error) => this.#call(this.#options.onError, error),
      /** @param {State} state */
      state: (state) => this.#setState(state),
      /** @param {PulseEventsError | null} error */
      end: (error) => this.#end(error),
    };
  }

  /** @param {Heard} heard */
  #message({ text, message, cursor }) {
    if (this.state.phase === "closed") return;
    this.#cursor = cursor;
    this.#call(this.#options.onMessage, message, text, cursor);
    for (const queue of this.#queues) queue.push(message, cursor);
  }

  /** @param {State} state */
  #setState(state) {
    if (this.state.phase === "closed") return;
    this.state = state;
    this.#call(this.#options.onState, state);
  }

  /** @param {PulseEventsError | null} error */
  #end(error) {
    if (this.state.phase !== "closed") {
      this.#setState({
        ...this.state,
        phase: "closed",
        reason: error?.message ?? "",
        retryAt: null,
      });
    }
    this.#error = error;
    if (error) this.#call(this.#options.onError, error);
    this.#ready.reject(error);
    this.#over(error);
  }

  /** @param {PulseEventsError | null} error */
  #over(error) {
    this.#stopWatching();
    for (const queue of this.#queues) queue.end(error);
    this.#closed.resolve();
  }

  /**
   * Calls what the page gave; what that throws is the page's affair, not the stream's.
   * @template {unknown[]} A
   * @param {((...args: A) => void) | undefined} callback
   * @param {A} args
   */
  #call(callback, ...args) {
    try {
      callback?.(...args);
    } catch (error) {
      // Later: the console is to show it, and the stream to go on.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
