/** One exchange and one AMQP topic pattern: words between dots, `*` one word, `#` any number. */
export interface Binding {
  exchange: string;
  routingKeyPattern: string;
}

/** A message as the server sends it. */
export interface Message<Payload = any> {
  payload: Payload;
  exchange: string;
  routingKey: string;
  redelivered: boolean;
  /** The CC keys that start with `route.`, without that. */
  routes: string[];
  /** Further routing keys. */
  cc: string[];
  /** There if the body was not text: `payload` is its base64 then. */
  payloadEncoding?: "base64";
  /** There if the body was over the server's limit: `payload` is `null` then. */
  omitted?: string;
}

/** A span of time of which messages may be missing. */
export interface Gap {
  /** In words. */
  reason: string;
  /** ISO 8601; `null` if nothing is known: such as of a cursor from before the server's start. */
  from: string | null;
  /** ISO 8601. */
  to: string;
}

export interface BrokerStatus {
  broker: "ok" | "lost";
  /** Why it is lost, or what is wrong with it all the same; else empty. */
  reason: string;
  /** ISO 8601. */
  since: string;
}

export interface State {
  /**
   * `connecting`: a stream is being opened; `open`: it is ready; `waiting`: it was lost, the next
   * attempt comes at `retryAt`; `paused`: the page is in the back/forward cache; `closed`: it is
   * over.
   */
  phase: "connecting" | "open" | "waiting" | "paused" | "closed";
  /** Why there is no stream, in words; empty if there is one. */
  reason: string;
  /** Milliseconds since the epoch. */
  retryAt: number | null;
  /** Which attempt in a row this is. */
  attempt: number;
  /** Whether the connection is one that several listeners share; `false` if `share` fails. */
  shared: boolean;
}

export interface ErrorDetails {
  /** The listening has ended: asking again would bring the same. */
  permanent?: boolean;
  /** The HTTP status; 0 if there was none. */
  status?: number;
  /**
   * The server's code, such as `InputError` or `ResourceNotFound`; `WorkerFailed`: see `share`; of
   * `rebind` see there.
   */
  code?: string;
  /** When the next attempt comes, if one does. */
  retryInMs?: number | null;
}

/** Why there is no stream; `message` is the server's own reason where it gave one. */
export class PulseEventsError extends Error {
  constructor(message: string, details?: ErrorDetails);
  permanent: boolean;
  status: number;
  code: string;
  retryInMs: number | null;
  toJSON(): Required<ErrorDetails> & { message: string };
  static from(plain: ErrorDetails & { message: string }): PulseEventsError;
}

/** A text, or what gives one; `null` is none. */
export type Token = string | (() => string | null | undefined | Promise<string | null | undefined>);

/** A `SharedWorker`, or a `Worker`, which one tab has for itself. */
export interface WorkerLike {
  readonly port?: MessagePort;
  addEventListener(type: "error", listener: () => void): void;
}

export interface ListenOptions<Payload = any> {
  /**
   * A message; `text` is its JSON as the server sent it, with numbers that JavaScript would round.
   * `cursor` is the place behind it, for the option of that name; `null` without `resume`.
   */
  onMessage?: (message: Message<Payload>, text: string, cursor: string | null) => void;
  /**
   * Every binding is bound: what is published from now on arrives.  `first` is false for a stream
   * that replaces one that was lost.  `resumed`: it goes on behind the last event of that one, or
   * behind the `cursor` that was given; what was missed comes now.
   */
  onReady?: (event: { first: boolean; resumed: boolean }) => void;
  /**
   * Messages may be missing.  With `resume` the server says so, at the place where they are missing;
   * without it comes before the `ready` of each stream that replaces one.
   */
  onGap?: (gap: Gap) => void;
  /**
   * Why the stream ended.  A permanent error ends the listening, after others it connects again.
   */
  onError?: (error: PulseEventsError) => void;
  /** Nothing came for two and a half ping intervals; it connects again. */
  onStale?: (stale: { silentMs: number; intervalMs: number }) => void;
  /** The server is alive; `time` is its own. */
  onPing?: (ping: { time: string }) => void;
  /**
   * How the server's broker is: at the start of each stream, and when that changes.  While it is
   * lost nothing comes, whatever the state of the stream.
   */
  onStatus?: (status: BrokerStatus) => void;
  /** The state has changed; the same as `listening.state`. */
  onState?: (state: State) => void;
  /** Ends it, quietly: loops end, nothing is thrown. */
  signal?: AbortSignal;
  /** A server, or its connect endpoint; the one that served this module, else the page's. */
  url?: string | URL;
  /**
   * One connection for all tabs and listeners of the origin, by a SharedWorker; one for all
   * listeners of the tab where the browser has none.  If the worker does not start, `onError` says
   * so with the `code` `WorkerFailed`, `state.shared` is `false`, and there is a connection for each
   * listener.
   */
  share?: boolean;
  /**
   * After a loss it goes on where it was, from the server's history.  By default, where the server
   * keeps one (`history` in its `/events/v1/config`).
   */
  resume?: boolean;
  /** Begins behind this: `listening.cursor` of another time, or what `onMessage` was given. */
  cursor?: string | null;
  /** Begins that long ago (`90s`, `10m`, `2h`, `7d`) or then (ISO 8601, UTC if it says no zone). */
  since?: string | Date;
  /** Begins with this many of the newest messages, 1 to 1000. */
  last?: number;
  /** Seconds between the server's pings, if it does not say so itself. */
  pingInterval?: number;
  /**
   * What the server's `/events/v1/config` answers, if the page has it already: else it is asked for
   * before a stream is opened.
   */
  config?: { pingInterval?: number; maxBindings?: number; history?: string };
  /** Messages kept for a `for await` loop that is slower than the stream (10,000). */
  maxBuffered?: number;
  /**
   * Says who listens, to a server that asks for it: a text, or a function that gives one, called for
   * each stream that is opened.  With `share`, the functions of all tabs are of one user.
   */
  token?: Token;
  /**
   * Where `pulse-events-worker.js` is, if not beside this module, on the page's origin; or what
   * starts it: `() => new SharedWorker(new URL("pulse-events/worker", import.meta.url))`.  Who gives
   * the same function, or the same address, shares.
   */
  worker?: string | URL | (() => WorkerLike);
  /** Used instead of the global one; not with `share`. */
  fetch?: (input: string | URL, init?: RequestInit) => Promise<Response>;
}

/** A listening; a `for await` loop over it gets the messages that come from then on. */
export interface Listening<Payload = any> extends AsyncIterable<Message<Payload>, undefined> {
  readonly state: State;
  /**
   * The place up to which everything was given: in `onMessage` and in a loop the one behind the
   * message, later that of the last ping.  To keep, and to begin at with the option `cursor`.
   * `null` without `resume`, and until the first event.
   */
  readonly cursor: string | null;
  /** Fulfilled by the first `ready`; rejected if there will be none. */
  readonly ready: Promise<void>;
  /** Fulfilled when it has ended, whyever. */
  readonly closed: Promise<void>;
  /**
   * Listens to these bindings instead, without a gap and without a stop: their stream is opened
   * beside the old one, which ends when the new one is ready.  What both bring comes once, and each
   * exchange's messages in their order.  Until then `state` tells of the new stream; neither
   * `onReady` nor `onGap` is called, unless the old one was lost.
   *
   * Fulfilled when the new bindings are in force: what is published from now on arrives, and
   * nothing comes any more that only the old ones match.
   *
   * Rejected with a `PulseEventsError`
   * - if the server refuses them, in its words; `bindings[3]` is a place in this list.  The old
   *   bindings go on.
   * - of `code` `Replaced` if `rebind` was called again before these were ready: the last call
   *   counts.
   * - of `code` `Closed` if the listening ended first, or had ended.
   *
   * Rejected with a `TypeError` if the bindings have not the shape above, or there are none.
   */
  rebind(bindings: readonly Binding[]): Promise<void>;
  /** Ends it, quietly. */
  close(): void;
}

/**
 * Listens until closed, aborted or refused; connects again by itself when the stream is lost.
 *
 * @throws TypeError if the bindings have not the shape above, or there are none; if the URL is not
 *   http(s), or missing where there is no page; if the token is neither a text nor a function; if
 *   more than one of `cursor`, `since` and `last` is given, or one with `resume: false`.
 */
export function listen<Payload = any>(
  bindings: readonly Binding[],
  options?: ListenOptions<Payload>,
): Listening<Payload>;

/** Whether RabbitMQ's topic exchange would deliver a message with this routing key. */
export function matches(pattern: string, routingKey: string): boolean;

/** Whether a stream with these bindings would bring the message. */
export function matchesMessage(
  bindings: readonly Binding[],
  message: Pick<Message, "exchange" | "routingKey" | "cc">,
): boolean;
