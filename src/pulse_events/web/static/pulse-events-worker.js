/*! The worker of pulse-events, built by `make browser` from client/worker.js. @license MPL-2.0, see LICENSE */
(() => {
  // src/pulse_events/web/static/client/errors.js
  var PulseEventsError = class _PulseEventsError extends Error {
    /**
     * @param {string} message
     * @param {ErrorDetails} details
     */
    constructor(message, { permanent = false, status = 0, code = "", retryInMs = null } = {}) {
      super(message);
      this.name = "PulseEventsError";
      this.permanent = permanent;
      this.status = status;
      this.code = code;
      this.retryInMs = retryInMs;
    }
    /** The same as plain values: an Error loses its own properties on the way to another tab. */
    toJSON() {
      const { message, permanent, status, code, retryInMs } = this;
      return { message, permanent, status, code, retryInMs };
    }
    /** @param {ErrorDetails & { message: string }} plain */
    static from(plain) {
      return new _PulseEventsError(plain.message, plain);
    }
  };

  // src/pulse_events/web/static/client/protocol.js
  var PROTOCOL = 4;

  // src/pulse_events/web/static/client/queue.js
  var Deferred = class {
    /** @type {(value?: any) => void} */
    resolve = () => {
    };
    /** @type {(reason: unknown) => void} */
    reject = () => {
    };
    /** @type {Promise<any>} */
    promise = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
  };

  // src/pulse_events/web/static/client/tokens.js
  var SENDABLE = /^[!-~]+$/;
  async function tokenOf(token) {
    const found = typeof token === "function" ? await ask(token) : token;
    if (found === void 0 || found === null) return null;
    if (typeof found === "string" && SENDABLE.test(found)) return found;
    const message = "the token is not a text of ASCII letters, digits and signs without blanks";
    throw new PulseEventsError(message, { permanent: true });
  }
  function tokenAmong(listeners) {
    const [first] = listeners;
    return typeof first.token === "function" ? () => firstOf(listeners) : first.token;
  }
  async function firstOf(listeners) {
    let failure;
    for (const { token } of listeners) {
      try {
        return await tokenOf(token);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
  async function ask(token) {
    try {
      return await token();
    } catch (error) {
      if (error instanceof PulseEventsError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new PulseEventsError(`cannot get a token: ${why}`);
    }
  }

  // src/pulse_events/web/static/client/requests.js
  var URL_LIMIT_CHARS = 7e3;
  var TRANSIENT = /* @__PURE__ */ new Set([408, 410, 421, 425, 429]);
  var CONFIG_WITHIN_MS = 1e4;
  var CONFIG_WAIT_MS = 1e3;
  function beside(endpoint, name) {
    const url = new URL(endpoint);
    url.pathname = url.pathname.replace(/connect\/?$/, name);
    return url;
  }
  async function openStream(endpoint, bindings, { place, status }, means) {
    const target = await targetOf(endpoint, JSON.stringify({ bindings }), means);
    if (place) setPlace(target.searchParams, place);
    if (status) target.searchParams.set("status", "true");
    const headers = { Accept: "text/event-stream" };
    const response = await request(target, { headers, cache: "no-store" }, means);
    if (response.body && /^text\/event-stream\b/.test(response.headers.get("content-type") ?? "")) {
      return response.body;
    }
    throw new PulseEventsError(`${target.origin} answered with something that is not a stream`, {
      permanent: true,
      status: response.status
    });
  }
  function setPlace(query, { cursor, since, last }) {
    query.set("resume", "true");
    if (cursor !== void 0) query.set("lastEventId", cursor);
    if (since !== void 0) query.set("since", since);
    if (last !== void 0) query.set("last", String(last));
  }
  async function targetOf(endpoint, json, means) {
    const target = new URL(endpoint);
    target.searchParams.set("errors", "http");
    target.searchParams.set("compression", "gzip");
    target.searchParams.set("bindings", json);
    const who = await unlessAborted(means.signal, tokenOf(means.token));
    if (who === null && target.href.length <= URL_LIMIT_CHARS) return target;
    const headers = new Headers(who === null ? {} : { Authorization: `Bearer ${who}` });
    const init = { method: "POST", body: json, headers };
    const response = await request(beside(endpoint, "bindings"), init, means);
    const { token } = await response.json().catch(() => null) ?? {};
    if (typeof token !== "string") {
      const message = `${target.origin} answered a list of bindings with something that is no token`;
      throw new PulseEventsError(message, { permanent: true, status: response.status });
    }
    target.searchParams.delete("bindings");
    target.searchParams.set("token", token);
    return target;
  }
  function unlessAborted(signal, promise) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason));
      promise.then(resolve, reject);
    });
  }
  async function request(url, init, { fetch, signal }) {
    let response;
    try {
      response = await fetch(url, { ...init, signal });
    } catch {
      throw new PulseEventsError(`cannot reach ${url.origin}`);
    }
    if (response.status === 200) return response;
    throw await refusal(url, response);
  }
  async function refusal(url, response) {
    const { status } = response;
    const { message, code } = await response.json().catch(() => ({}));
    const seconds = Number(response.headers.get("retry-after") ?? NaN);
    return new PulseEventsError(message ?? `${url.origin} answered ${status}`, {
      permanent: status < 500 && !TRANSIENT.has(status),
      status,
      code: code ?? "",
      retryInMs: seconds >= 0 ? seconds * 1e3 : null
    });
  }
  var configs = /* @__PURE__ */ new Map();
  function configOf(endpoint, fetch) {
    const url = configUrl(endpoint);
    const asked = configs.get(url.href) ?? askConfig(url, fetch);
    configs.set(url.href, asked);
    return asked;
  }
  function knowConfig(endpoint, config) {
    const { href } = configUrl(endpoint);
    if (!configs.has(href)) configs.set(href, Promise.resolve(config));
  }
  async function configSoon(endpoint, fetch) {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CONFIG_WAIT_MS, {});
    });
    const config = await Promise.race([configOf(endpoint, fetch), late]);
    clearTimeout(timer);
    return config;
  }
  function forgetConfig(endpoint) {
    configs.delete(configUrl(endpoint).href);
  }
  function configUrl(endpoint) {
    const url = beside(endpoint, "config");
    url.search = "";
    return url;
  }
  async function askConfig(url, fetch) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(CONFIG_WITHIN_MS) });
      if (response.ok) return await response.json();
    } catch {
    }
    configs.delete(url.href);
    return {};
  }

  // src/pulse_events/web/static/client/port.js
  var SILENT_LIMIT_MS = 2e5;
  var LEFT = "the page that has the token was left";
  function serve(port, switchboard2, lock = null) {
    const listeners = new Listeners(port, switchboard2);
    let silence;
    const end = () => {
      clearTimeout(silence);
      listeners.clear();
      port.close?.();
    };
    const await_ = () => {
      clearTimeout(silence);
      silence = setTimeout(end, SILENT_LIMIT_MS);
    };
    port.addEventListener("message", ({ data }) => {
      await_();
      if (data.kind === "bye") end();
      else listeners.hear(data);
    });
    port.addEventListener("close", end);
    port.start?.();
    port.postMessage({ kind: "hello", content: { lock, protocol: PROTOCOL } });
    await_();
  }
  var Listeners = class {
    /** @type {Map<number, Member>} */
    #members = /* @__PURE__ */ new Map();
    /** Who is asked for a token. @type {Map<number, Deferred>} */
    #asked = /* @__PURE__ */ new Map();
    #port;
    #switchboard;
    /**
     * @param {Port} port
     * @param {Switchboard} switchboard
     */
    constructor(port, switchboard2) {
      this.#port = port;
      this.#switchboard = switchboard2;
    }
    /** @param {Said} said */
    hear({ kind, id = 0, content }) {
      if (kind === "listen") this.#listen(id, content);
      else if (kind === "leave") this.#leave(id);
      else if (kind === "token") this.#answered(id, content);
      else if (kind === "wake") this.#switchboard.wake();
      else if (kind === "beat") this.#port.postMessage({ kind: "beat" });
    }
    clear() {
      for (const id of [...this.#members.keys()]) this.#leave(id);
    }
    /**
     * @param {number} id
     * @param {Wanted} wanted
     */
    #listen(id, { endpoint: href, follows, token, config, ...wanted }) {
      const sink = new PortSink(id, this.#port);
      const endpoint = new URL(href);
      if (config) knowConfig(endpoint, config);
      const member = { ...wanted, endpoint, sink };
      member.token = token === true ? () => this.#ask(id) : token;
      if (follows !== null) member.follows = this.#members.get(follows);
      this.#members.set(id, member);
      void this.#switchboard.add(member);
    }
    /**
     * Asks the page for a listener's token.
     * @param {number} id
     */
    #ask(id) {
      if (!this.#members.has(id)) throw new PulseEventsError(LEFT);
      const before = this.#asked.get(id);
      if (before) return before.promise;
      const answer = new Deferred();
      this.#asked.set(id, answer);
      this.#port.postMessage({ kind: "token", id });
      return answer.promise;
    }
    /**
     * @param {number} id
     * @param {{ token?: string | null, error?: { message: string } }} answer
     */
    #answered(id, { token = null, error }) {
      const asked = this.#asked.get(id);
      this.#asked.delete(id);
      if (error) asked?.reject(PulseEventsError.from(error));
      else asked?.resolve(token);
    }
    /** @param {number} id */
    #leave(id) {
      const member = this.#members.get(id);
      this.#members.delete(id);
      this.#answered(id, { error: { message: LEFT } });
      if (member) this.#switchboard.remove(member);
    }
  };
  var PortSink = class {
    /** Texts and the cursors of their places. @type {[string, string | null][]} */
    #messages = [];
    /** @type {string | null} */
    #cursor = null;
    /** What the page knows of it. @type {string | null} */
    #toldCursor = null;
    #isDue = false;
    #id;
    #port;
    /**
     * @param {number} id
     * @param {Port} port
     */
    constructor(id, port) {
      this.#id = id;
      this.#port = port;
    }
    /** @param {string} cursor */
    at(cursor) {
      this.#cursor = cursor;
      this.#flushSoon();
    }
    /** @param {string} text */
    message(text) {
      this.#messages.push([text, this.#cursor]);
      this.#flushSoon();
    }
    /** @param {Ready} event */
    ready(event) {
      this.#say("ready", event);
    }
    /** @param {Gap} gap */
    gap(gap) {
      this.#say("gap", gap);
    }
    /** @param {{ time: string }} ping */
    ping(ping) {
      this.#say("ping", ping);
    }
    /** @param {BrokerStatus} status */
    status(status) {
      this.#say("status", status);
    }
    /** @param {{ silentMs: number, intervalMs: number }} stale */
    stale(stale) {
      this.#say("stale", stale);
    }
    /** @param {PulseEventsError} error */
    error(error) {
      this.#say("error", error.toJSON());
    }
    /** @param {State} state */
    state(state) {
      this.#say("state", state);
    }
    /** @param {PulseEventsError | null} error */
    end(error) {
      if (error) this.#say("end", error.toJSON());
    }
    #flushSoon() {
      if (this.#isDue) return;
      this.#isDue = true;
      queueMicrotask(() => {
        this.#isDue = false;
        this.#flush();
        if (this.#cursor !== this.#toldCursor) this.#post("at", null);
      });
    }
    #flush() {
      const content = this.#messages;
      this.#messages = [];
      if (content.length) this.#post("messages", content);
    }
    /**
     * @param {string} kind
     * @param {unknown} content
     */
    #say(kind, content) {
      this.#flush();
      this.#post(kind, content);
    }
    /**
     * @param {string} kind
     * @param {unknown} content
     */
    #post(kind, content) {
      this.#toldCursor = this.#cursor;
      this.#port.postMessage({ id: this.#id, kind, content, cursor: this.#cursor });
    }
  };

  // src/pulse_events/web/static/client/presence.js
  async function holdLock() {
    if (!globalThis.navigator?.locks) return null;
    const name = `pulse-events ${crypto.randomUUID()}`;
    return new Promise((resolve) => {
      const held = () => {
        resolve(name);
        return new Promise(() => {
        });
      };
      navigator.locks.request(name, held).catch(() => resolve(null));
    });
  }

  // src/pulse_events/web/static/client/backoff.js
  function* delays(random, { firstMs = 1e3, factor = 2, capMs = 3e4 } = {}) {
    for (let stepMs = firstMs; ; stepMs = Math.min(stepMs * factor, capMs)) {
      yield Math.round(stepMs * (0.5 + 0.5 * random()));
    }
  }

  // src/pulse_events/web/static/client/position.js
  var NO_CURSOR = "-";
  var keepsHistory = ({ history = "off" }) => history !== "off";
  var Position = class {
    /** Of the last event, if it had one. @type {string | null} */
    #cursor = null;
    /** Where the last stream was asked to begin. @type {Place | null} */
    #asked = null;
    #options;
    /**
     * @param {{ endpoint: URL, fetch: Fetch, resume?: boolean, place?: Place | null }} options
     *   `resume`: what the server is set to, if not given; `place`: now, if not given
     */
    constructor(options) {
      this.#options = options;
    }
    /** @returns {Promise<Place | null>} where a stream is to begin; `null` if without cursors */
    async next() {
      const place = this.#cursor === null ? this.#options.place ?? {} : { cursor: this.#cursor };
      this.#asked = await this.#isWanted() ? place : null;
      return this.#asked;
    }
    async #isWanted() {
      const { resume, place, endpoint, fetch } = this.#options;
      if (resume !== void 0) return resume;
      return Boolean(place) || keepsHistory(await configSoon(endpoint, fetch));
    }
    /**
     * @param {string} id of the stream's `ready`
     * @returns {{ isTold: boolean, resumed: boolean }} see `Ready`
     */
    answered(id) {
      const { cursor, since, last } = this.#asked ?? {};
      const hasPlace = cursor !== void 0 || since !== void 0 || last !== void 0;
      return { isTold: hasPlace && id !== NO_CURSOR, resumed: cursor === id };
    }
    /**
     * Takes the place behind an event.
     * @param {string} kind
     * @param {string} id
     * @returns {boolean} whether it is another one than before
     */
    moveTo(kind, id) {
      if (!id || id === NO_CURSOR || id === this.#cursor) return false;
      const { cursor } = this.#asked ?? {};
      if (kind === "ready" && cursor !== void 0 && cursor !== id) return false;
      this.#cursor = id;
      return true;
    }
    /**
     * Whether a stream was refused that one without cursors may replace: another server may have
     * taken the place of the one that said what it is set to.
     * @returns {Promise<boolean>}
     */
    async isLost() {
      const { resume, place, endpoint, fetch } = this.#options;
      if (!this.#asked || resume !== void 0 || place) return false;
      forgetConfig(endpoint);
      if (keepsHistory(await configSoon(endpoint, fetch))) return false;
      this.#cursor = null;
      return true;
    }
  };

  // src/pulse_events/web/static/client/sse.js
  var LIMIT_CHARS = 64 << 20;
  var Decoder = class {
    #text = new TextDecoder();
    #limitChars;
    #rest = "";
    #afterCr = false;
    #kind = "";
    /** @type {string[]} */
    #data = [];
    #heldChars = 0;
    #id = "";
    /** @param {number} limitChars */
    constructor(limitChars = LIMIT_CHARS) {
      this.#limitChars = limitChars;
    }
    /**
     * @param {Uint8Array} chunk
     * @returns {ServerEvent[]} the events that the chunk completes
     * @throws {RangeError} an event is longer than the limit
     */
    feed(chunk) {
      const events = [];
      for (const line of this.#lines(this.#text.decode(chunk, { stream: true }))) {
        if (line) this.#field(line);
        else this.#dispatch(events);
      }
      if (this.#rest.length + this.#heldChars > this.#limitChars) {
        throw new RangeError(`an event is longer than ${this.#limitChars} characters`);
      }
      return events;
    }
    /** @param {string} text */
    #lines(text) {
      if (!text) return [];
      if (this.#afterCr && text.startsWith("\n")) text = text.slice(1);
      this.#afterCr = text.endsWith("\r");
      const lines = text.split(/\r\n|\r|\n/);
      lines[0] = this.#rest + lines[0];
      this.#rest = lines.pop() ?? "";
      return lines;
    }
    /** @param {string} line */
    #field(line) {
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (name === "data") {
        this.#data.push(value);
        this.#heldChars += value.length;
      } else if (name === "event") {
        this.#kind = value;
      } else if (name === "id" && !value.includes("\0")) {
        this.#id = value;
      }
    }
    /** @param {ServerEvent[]} events */
    #dispatch(events) {
      if (this.#data.length) {
        events.push({ kind: this.#kind || "message", data: this.#data.join("\n"), id: this.#id });
      }
      this.#kind = "";
      this.#data = [];
      this.#heldChars = 0;
    }
  };

  // src/pulse_events/web/static/client/watch.js
  var DEFAULT_INTERVAL_MS = 2e4;
  var PATIENCE = 2.5;
  var PATIENCE_IF_SUSPECT = 1.25;
  var GAPS_KEPT = 5;
  var Watch = class {
    intervalMs = DEFAULT_INTERVAL_MS;
    #now;
    #heardAt;
    #checkedAt;
    #slept = false;
    #suspectAt = NaN;
    #pingAt = NaN;
    #isEarly = false;
    /** @type {number[]} */
    #gaps = [];
    /** @param {() => number} now milliseconds */
    constructor(now = Date.now) {
      this.#now = now;
      this.#heardAt = this.#checkedAt = now();
    }
    /** How often to call `check`. */
    get tickMs() {
      return Math.max(20, Math.min(1e3, this.intervalMs / 4));
    }
    /** Starts to wait for a new stream, whose first ping has no predecessor. */
    begin() {
      this.#pingAt = NaN;
      this.#isEarly = false;
      this.#checkedAt = this.#now();
      this.heard();
    }
    /** The stream's first ping will say that it has caught up; when that is says nothing else. */
    expectEarlyPing() {
      this.#isEarly = true;
    }
    /** Notes that something arrived. */
    heard() {
      this.#heardAt = this.#now();
      this.#slept = false;
      this.#suspectAt = NaN;
    }
    /**
     * Takes an interval that somebody says; what the pings themselves say counts more.
     * @param {number} intervalMs
     */
    suggest(intervalMs) {
      if (!this.#gaps.length && intervalMs > 0) this.intervalMs = intervalMs;
    }
    /**
     * Learns the interval from the server's own times: arrivals bunch up in a throttled tab.  The
     * median, since a server that hung once has one long gap.
     * @param {string} time ISO 8601
     */
    ping(time) {
      if (this.#isEarly) {
        this.#isEarly = false;
        return;
      }
      const at = Date.parse(time);
      const gap = at - this.#pingAt;
      this.#pingAt = at;
      if (!(gap > 0)) return;
      this.#gaps = [...this.#gaps, gap].slice(-GAPS_KEPT);
      const sorted = [...this.#gaps].sort((a, b) => a - b);
      this.intervalMs = sorted[sorted.length >> 1];
    }
    /** Notes that the network changed: a stream that lives must show it by its next ping. */
    suspect() {
      this.#suspectAt = this.#now();
    }
    /**
     * To be called each `tickMs`.  A call that comes late means that the computer slept or the page
     * was frozen; then what waits in the socket gets one more tick to be read before the verdict.
     * @returns {Staleness | null} how stale the stream is, if it is
     */
    check() {
      const now = this.#now();
      const late = now - this.#checkedAt > Math.max(2e3, 3 * this.tickMs);
      this.#checkedAt = now;
      this.#heardAt = Math.min(this.#heardAt, now);
      const silentMs = now - this.#heardAt;
      const overdue = now - this.#suspectAt > PATIENCE_IF_SUSPECT * this.intervalMs;
      if (silentMs <= PATIENCE * this.intervalMs && !overdue) return null;
      if (late) {
        this.#slept = true;
        return null;
      }
      return { silentMs, intervalMs: this.intervalMs, slept: this.#slept };
    }
  };

  // src/pulse_events/web/static/client/connection.js
  var STEADY_MS = 1e4;
  var LOST = "the connection was lost";
  var iso = (ms) => new Date(ms).toISOString();
  var Connection = class {
    /** Milliseconds since the epoch of the last event; 0 before the first. */
    #heardAt = 0;
    #isReady = false;
    #wasReady = false;
    #readyAt = 0;
    #closed = false;
    #paused = false;
    #attempt = 0;
    /** Why there is no stream now, for the gap and the state. */
    #reason = "";
    #abort = new AbortController();
    #wake = () => {
    };
    #watch = new Watch();
    #position;
    #sink;
    #options;
    #delays;
    /**
     * @param {{
     *   endpoint: URL, bindings: readonly Binding[], pingInterval?: number,
     *   resume?: boolean, place?: Place | null, status?: boolean, token?: Token,
     *   fetch?: Fetch, random?: () => number,
     * }} options `resume`, `place`: see `Position`; `status`: whether to ask how the broker is;
     *   `token`: asked for each stream
     * @param {Sink} sink
     */
    constructor(options, sink) {
      this.#options = { fetch: globalThis.fetch.bind(globalThis), random: Math.random, ...options };
      this.#position = new Position(this.#options);
      this.#delays = delays(this.#options.random);
      this.#sink = sink;
      if (options.pingInterval) this.#watch.suggest(options.pingInterval * 1e3);
    }
    start() {
      void this.#run();
    }
    /** Ends it, without another word. */
    close() {
      this.#closed = true;
      this.#abort.abort();
      this.#wake();
    }
    /** The network came back or the page woke up: do not wait out the delay, doubt the stream. */
    wake() {
      this.#watch.suspect();
      this.#wake();
    }
    /**
     * Lets go of the connection until `resume`.
     * @param {string} reason
     */
    pause(reason) {
      this.#paused = true;
      this.#abort.abort(new PulseEventsError(reason));
    }
    resume() {
      this.#paused = false;
      this.#wake();
    }
    async #run() {
      while (!this.#closed) {
        const failure = await this.#listenOnce();
        this.#isReady = false;
        if (this.#closed) return;
        this.#reason = failure.message;
        failure.permanent &&= !await this.#position.isLost();
        if (this.#closed) return;
        if (failure.permanent) return this.#end(failure);
        await this.#rest(failure);
      }
    }
    /** @returns {Promise<PulseEventsError>} why the stream ended */
    async #listenOnce() {
      const abort = new AbortController();
      this.#abort = abort;
      const { endpoint, bindings, token, fetch, status } = this.#options;
      this.#attempt += 1;
      this.#say("connecting");
      this.#watch.begin();
      const ticking = this.#tick(abort);
      try {
        this.#learnInterval();
        const place = await this.#position.next();
        if (place && Object.keys(place).length) this.#watch.expectEarlyPing();
        const means = { token, fetch, signal: abort.signal };
        const body = await openStream(endpoint, bindings, { place, status }, means);
        await this.#read(body.getReader(), abort.signal);
        return new PulseEventsError(LOST);
      } catch (error) {
        return asFailure(abort.signal.aborted ? abort.signal.reason : error);
      } finally {
        ticking.stop();
        abort.abort();
      }
    }
    /**
     * @param {ReadableStreamDefaultReader<Uint8Array>} reader
     * @param {AbortSignal} signal
     */
    async #read(reader, signal) {
      const decoder = new Decoder();
      for (; ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        for (const event of decoder.feed(value)) {
          if (signal.aborted) return;
          this.#hear(event);
        }
      }
    }
    /** @param {ServerEvent} event */
    #hear({ kind, data, id }) {
      this.#watch.heard();
      if (kind === "status") return this.#sink.status(JSON.parse(data));
      if (this.#position.moveTo(kind, id)) this.#sink.at(id);
      if (kind === "message") this.#sink.message(data);
      else if (kind === "ready") this.#ready(id);
      else if (kind === "ping") this.#ping(JSON.parse(data));
      else if (kind === "gap") this.#sink.gap(JSON.parse(data));
      else if (kind === "error") throw new PulseEventsError(JSON.parse(data));
      this.#heardAt = Date.now();
    }
    /** @param {string} id */
    #ready(id) {
      const now = Date.now();
      const first = !this.#wasReady;
      const { isTold, resumed } = this.#position.answered(id);
      this.#isReady = this.#wasReady = true;
      this.#readyAt = now;
      this.#say("open");
      if (!first && !isTold) {
        this.#sink.gap({ reason: this.#reason, from: iso(this.#heardAt), to: iso(now) });
      }
      this.#reason = "";
      this.#sink.ready({ first, resumed, isTold });
    }
    /** @param {{ time: string }} ping */
    #ping(ping) {
      this.#watch.ping(ping.time);
      this.#sink.ping(ping);
    }
    #learnInterval() {
      if (this.#options.pingInterval) return;
      void configOf(this.#options.endpoint, this.#options.fetch).then(({ pingInterval }) => {
        if (pingInterval) this.#watch.suggest(pingInterval * 1e3);
      });
    }
    /**
     * Looks after the stream until it is stale.
     * @param {AbortController} abort
     */
    #tick(abort) {
      const look = () => {
        const stale = this.#watch.check();
        if (stale) this.#giveUp(abort, stale);
        else timer = setTimeout(look, this.#watch.tickMs);
      };
      let timer = setTimeout(look, this.#watch.tickMs);
      return { stop: () => clearTimeout(timer) };
    }
    /**
     * @param {AbortController} abort
     * @param {Staleness} stale
     */
    #giveUp(abort, { silentMs, intervalMs, slept }) {
      const silence = `nothing came for ${Math.round(silentMs / 100) / 10} s`;
      const reason = slept ? `${silence}: the computer slept or the page was frozen` : silence;
      if (this.#isReady) this.#sink.stale({ silentMs, intervalMs });
      abort.abort(new PulseEventsError(reason));
    }
    /**
     * Waits before the next attempt.
     * @param {PulseEventsError} failure
     */
    async #rest(failure) {
      if (this.#paused) return this.#restWhilePaused();
      if (this.#readyAt && Date.now() - this.#readyAt > STEADY_MS) this.#startBackoff();
      this.#readyAt = 0;
      failure.retryInMs ??= this.#delays.next().value;
      this.#sink.error(failure);
      if (this.#closed) return;
      this.#say("waiting", Date.now() + failure.retryInMs);
      await this.#sleep(failure.retryInMs);
      if (this.#paused) await this.#restWhilePaused();
    }
    async #restWhilePaused() {
      this.#say("paused");
      while (this.#paused && !this.#closed) await this.#sleep(null);
      this.#startBackoff();
    }
    #startBackoff() {
      this.#delays = delays(this.#options.random);
      this.#attempt = 0;
    }
    /**
     * Sleeps until woken, or for a time.
     * @param {number | null} ms
     */
    async #sleep(ms) {
      let timer;
      await new Promise((resolve) => {
        this.#wake = () => resolve(void 0);
        if (ms !== null) timer = setTimeout(this.#wake, ms);
        if (this.#closed) resolve(void 0);
      });
      clearTimeout(timer);
      this.#wake = () => {
      };
    }
    /** @param {PulseEventsError} failure */
    #end(failure) {
      this.#closed = true;
      this.#say("closed");
      this.#sink.end(failure);
    }
    /**
     * @param {State["phase"]} phase
     * @param {number | null} retryAt
     */
    #say(phase, retryAt = null) {
      const reason = phase === "open" ? "" : this.#reason;
      this.#sink.state({ phase, reason, retryAt, attempt: this.#attempt, shared: false });
    }
  };
  function asFailure(error) {
    if (error instanceof PulseEventsError) return error;
    if (error instanceof TypeError) return new PulseEventsError(LOST);
    return new PulseEventsError(error instanceof Error ? error.message : String(error));
  }

  // src/pulse_events/web/static/client/handover.js
  var QUIET_MS = 300;
  var OVERLAP_LIMIT_MS = 1e4;
  var COMPARE_MS = 300;
  var LAG_LIMIT_MS = 2e3;
  var placeIn = (list, heard) => list.findIndex(({ text }) => text === heard.text);
  function after(ms, act) {
    let timer = setTimeout(() => {
      timer = setTimeout(act, ms / 2);
    }, ms / 2);
    return () => clearTimeout(timer);
  }
  var Handover = class {
    /** @type {"connecting" | "overlap" | "compare" | "catchUp" | "over"} */
    #phase = "connecting";
    /** What the old stream brought and nobody has got yet. @type {Heard[]} */
    #held = [];
    /** What the next stream brought before it led. @type {Heard[]} */
    #early = [];
    /** What the old stream brought and its listeners got. @type {(Heard & { at: number })[]} */
    #given = [];
    /** What the old stream has brought since the next one leads, and that one not. @type {Heard[]} */
    #owed = [];
    /** What the next one has brought since, and the old one not. @type {Heard[]} */
    #ahead = [];
    #stopQuiet = () => {
    };
    #stopLimit = () => {
    };
    #old;
    #next;
    #holdMs;
    #on;
    /**
     * @param {Routing<T>} old
     * @param {Routing<T>} next
     * @param {number} holdMs 0 if each listener has the same bindings on both
     * @param {{
     *   give(heard: Heard, to: Iterable<T>): void, lost(reason: string): void, led(): void,
     *   over(): void,
     * }} on
     */
    constructor(old, next, holdMs, on) {
      this.#old = old;
      this.#next = next;
      this.#holdMs = holdMs;
      this.#on = on;
    }
    /** Whether what the old stream says counts no more. */
    get isLed() {
      return this.#phase === "compare" || this.#phase === "catchUp";
    }
    /**
     * @param {Routing<T>} side the old or the next
     * @param {Heard} heard
     */
    hear(side, heard) {
      if (side === this.#next) this.#fromNext(heard);
      else if (this.#phase === "compare") this.#compare(heard);
      else if (this.#phase !== "catchUp") this.#fromOld(heard);
    }
    /**
     * The next stream is ready.
     * @param {boolean} isOldReady if not, what it brought last is older than the gap
     */
    begin(isOldReady) {
      this.#phase = "overlap";
      if (!isOldReady) return this.#switch();
      const late = "the old stream was too far behind the new one";
      this.#stopLimit = after(OVERLAP_LIMIT_MS, () => this.breakOff(late));
      this.#awaitQuiet();
    }
    /**
     * One of the two has failed.
     * @param {string} reason
     */
    breakOff(reason) {
      if (this.#phase === "connecting") return this.#release();
      if (this.#phase !== "overlap") return;
      this.#release();
      this.#on.lost(reason);
      this.#lead(0);
    }
    /** The next stream is given up, the old one goes on. */
    cancel() {
      this.stop();
      this.#release();
    }
    stop() {
      this.#stopQuiet();
      this.#stopLimit();
      this.#phase = "over";
    }
    /** @param {Heard} heard */
    #isShared({ message }) {
      return this.#old.brings(message) && this.#next.brings(message);
    }
    #awaitQuiet() {
      this.#stopQuiet();
      this.#stopQuiet = after(QUIET_MS, () => {
        const lags = this.#early.some((heard) => this.#isShared(heard));
        if (lags) this.#awaitQuiet();
        else this.#switch();
      });
    }
    // While the old stream leads.
    /** @param {Heard} heard */
    #fromOld(heard) {
      if (placeIn(this.#early, heard) >= 0) {
        this.#lead(this.#held.length);
        return this.#compare(heard);
      }
      this.#held.push(heard);
      if (this.#holdMs) after(this.#holdMs, () => this.#release(heard));
      else this.#release();
      if (this.#phase === "overlap" && this.#isShared(heard)) this.#awaitQuiet();
    }
    /** @param {Heard} heard */
    #fromNext(heard) {
      const members = [...this.#next.match(heard.message)];
      const fresh = members.filter((member) => !this.#old.carries.has(member));
      if (fresh.length) this.#on.give(heard, fresh);
      if (fresh.length === members.length) return;
      if (this.#phase !== "overlap") return this.#pass(heard);
      this.#early.push(heard);
      const at = placeIn(this.#held, heard);
      if (at >= 0 || placeIn(this.#given, heard) >= 0) this.#lead(Math.max(at, 0));
    }
    /** @param {Heard | undefined} last of those to give; else all that are held */
    #release(last = this.#held.at(-1)) {
      while (last && this.#held.includes(last)) {
        this.#giveOld(
          /** @type {Heard} */
          this.#held.shift()
        );
      }
    }
    /** @param {Heard} heard */
    #giveOld(heard) {
      const at = Date.now();
      this.#given.push({ ...heard, at });
      while (this.#given[0].at < at - LAG_LIMIT_MS) this.#given.shift();
      this.#on.give(heard, this.#old.match(heard.message));
    }
    // From where the next stream leads on.
    /**
     * @param {number} before how many of those held are older than the next one's beginning
     */
    #lead(before) {
      this.stop();
      this.#phase = "compare";
      const held = this.#held.splice(0);
      for (const heard of held.splice(0, before)) this.#giveOld(heard);
      for (const heard of this.#early.splice(0)) this.#pass(heard);
      for (const heard of held) this.#compare(heard);
      if (this.#phase !== "compare") return;
      this.#stopLimit = after(COMPARE_MS, () => this.#catchUp());
      this.#on.led();
    }
    /** The old stream has nothing more to say. */
    #switch() {
      this.#lead(this.#held.length);
      this.#given = [];
      this.#finish();
    }
    /**
     * Gives a message of the next stream to the old one's listeners, unless they have had it.
     * @param {Heard} heard
     */
    #pass(heard) {
      const repeated = this.#given.map(({ text }) => text).lastIndexOf(heard.text);
      if (repeated >= 0) {
        this.#given.splice(0, repeated + 1);
      } else {
        if (this.#isShared(heard)) this.#noteShared(heard);
        const members = [...this.#next.match(heard.message)];
        this.#on.give(
          heard,
          members.filter((member) => this.#old.carries.has(member))
        );
      }
      if (this.#phase === "catchUp" && this.#isEven) this.#finish();
    }
    /** @param {Heard} heard */
    #noteShared(heard) {
      this.#given = [];
      const at = placeIn(this.#owed, heard);
      if (at >= 0) this.#owed.splice(at, 1);
      else this.#ahead.push(heard);
    }
    /**
     * Takes what the old stream brings while the next one leads.
     * @param {Heard} heard
     */
    #compare(heard) {
      if (!this.#isShared(heard)) return;
      const at = placeIn(this.#ahead, heard);
      if (at >= 0) this.#ahead.splice(at, 1);
      else this.#owed.push(heard);
    }
    get #isEven() {
      return !this.#owed.length && !this.#given.some((heard) => this.#isShared(heard));
    }
    #catchUp() {
      this.#phase = "catchUp";
      if (this.#isEven) this.#finish();
      else this.#stopLimit = after(LAG_LIMIT_MS, () => this.#finish());
    }
    #finish() {
      if (this.#phase === "over") return;
      this.stop();
      for (const heard of this.#owed) this.#on.give(heard, this.#old.match(heard.message));
      this.#on.over();
    }
  };

  // src/pulse_events/web/static/client/link.js
  var Link = class {
    /** Milliseconds since the epoch of the last event; 0 before the first. */
    heardAt = 0;
    hasFailed = false;
    /** Of the last event. @type {string | null} */
    cursor = null;
    /** @type {State} */
    lastState = { phase: "connecting", reason: "", retryAt: null, attempt: 0, shared: false };
    /** What the server said last of its broker. @type {BrokerStatus | null} */
    lastStatus = null;
    source;
    #listener;
    /**
     * @param {(sink: Sink) => Source} open
     * @param {R} routes
     * @param {LinkListener<T, R>} listener
     */
    constructor(open, routes, listener) {
      this.routes = routes;
      this.#listener = listener;
      this.source = open(this);
    }
    get isReady() {
      return this.lastState.phase === "open";
    }
    /** Why there is no stream, in words. */
    get reason() {
      return this.lastState.reason;
    }
    start() {
      this.source.start();
    }
    close() {
      this.source.close();
    }
    wake() {
      this.source.wake();
    }
    /** @param {string} reason */
    pause(reason) {
      this.source.pause(reason);
    }
    resume() {
      this.source.resume();
    }
    // What the source says.
    /** @param {string} cursor */
    at(cursor) {
      this.cursor = cursor;
    }
    /** @param {Ready} event */
    ready(event) {
      this.heardAt = Date.now();
      this.#listener.onReady(this, event);
    }
    /** @param {string} text */
    message(text) {
      this.heardAt = Date.now();
      const { cursor } = this;
      this.#listener.onMessage(this, { text, message: JSON.parse(text), cursor });
    }
    /** @param {Gap} gap */
    gap(gap) {
      this.heardAt = Date.now();
      this.#listener.onGap(this, gap);
    }
    /** @param {{ time: string }} ping */
    ping(ping) {
      this.heardAt = Date.now();
      this.#listener.onPing(this, ping);
    }
    /** @param {BrokerStatus} status */
    status(status) {
      this.lastStatus = status;
      this.#listener.onStatus(this, status);
    }
    /** @param {{ silentMs: number, intervalMs: number }} stale */
    stale(stale) {
      this.#listener.onStale(this, stale);
    }
    /** @param {PulseEventsError} error */
    error(error) {
      this.hasFailed = true;
      this.#listener.onError(this, error);
    }
    /** @param {State} state */
    state(state) {
      const wasReady = this.isReady;
      this.lastState = state;
      if (state.phase === "waiting") this.lastStatus = null;
      if (wasReady && !this.isReady) this.#listener.onDown(this);
      this.#listener.onState(this, state);
    }
    /** @param {PulseEventsError | null} error */
    end(error) {
      if (!error) return;
      this.state({ ...this.lastState, phase: "closed", reason: error.message, retryAt: null });
      this.#listener.onEnd(this, error);
    }
  };

  // src/pulse_events/web/static/client/relay.js
  var REASONS_OF_THE_BEGINNING = /* @__PURE__ */ new Set([
    "these bindings were not all in force before",
    "the history was another process'",
    "the cursor is not of this server's history"
  ]);
  var REPEATED_WITHIN_MS = 6e4;
  var Relay = class {
    /** What led before, while it is compared with what leads. @type {Link<T, R> | null} */
    #old = null;
    /** @type {Link<T, R> | null} */
    #live = null;
    /** @type {Link<T, R> | null} */
    #next = null;
    /** @type {Handover<T> | null} */
    #handover = null;
    /**
     * Who has had what was heard while the next link was waited for, by the cursors: that one brings
     * it again.
     * @type {Map<string, ReadonlySet<T>>}
     */
    #repeats = /* @__PURE__ */ new Map();
    #changedAt = 0;
    /** Whether what led before had all up to where the leading link begins. */
    #isBridged = false;
    #holdMs;
    #owner;
    #listener;
    /**
     * @param {number} holdMs see `Handover`
     * @param {Owner<T, R>} owner
     */
    constructor(holdMs, owner) {
      this.#holdMs = holdMs;
      this.#owner = owner;
      this.#listener = this.#listen();
    }
    /** The link that leads. */
    get live() {
      return this.#live;
    }
    /** The link that is to lead when it is ready. */
    get next() {
      return this.#next;
    }
    get links() {
      return [this.#old, this.#live, this.#next].filter((link) => link !== null);
    }
    /** Whether another link cannot be opened now. */
    get isBusy() {
      return this.#next !== null || this.#old !== null;
    }
    /**
     * Opens the link that is to lead.
     * @param {(sink: Sink) => Source} source
     * @param {R} routes
     */
    open(source, routes) {
      const next = new Link(source, routes, this.#listener);
      this.#next = next;
      if (Date.now() - this.#changedAt > REPEATED_WITHIN_MS) this.#repeats.clear();
      if (this.#live) this.#handover = this.#handoverTo(next, this.#live);
      next.start();
    }
    /** Gives up the link that is to lead; does nothing when it does. */
    drop() {
      if (!this.#next) return;
      this.#next.close();
      this.#next = null;
      this.#handover?.cancel();
      this.#handover = null;
    }
    close() {
      this.#handover?.stop();
      this.#repeats.clear();
      for (const link of this.links) link.close();
      this.#old = this.#live = this.#next = this.#handover = null;
    }
    /**
     * @param {Link<T, R>} next
     * @param {Link<T, R>} live
     * @returns {Handover<T>}
     */
    #handoverTo(next, live) {
      return new Handover(live.routes, next.routes, this.#holdMs, {
        give: this.#owner.give,
        lost: (reason) => this.#owner.lost(live, reason),
        led: () => this.#owner.led(),
        over: () => this.#over()
      });
    }
    /**
     * @param {Link<T, R>} link
     * @param {Ready} event
     */
    #change(link, event) {
      const old = this.#live;
      if (event.resumed) this.#handover?.cancel();
      if (link !== this.#next) return;
      this.#isBridged = old?.isReady ?? false;
      this.#changedAt = Date.now();
      this.#old = old;
      this.#live = link;
      this.#next = null;
      this.#owner.changed(link, old, event);
      if (old && !event.resumed) return this.#handover?.begin(old.isReady);
      this.#owner.led();
      this.#over();
    }
    #over() {
      this.#old?.close();
      this.#old = this.#handover = null;
      this.#owner.over();
    }
    /** @returns {LinkListener<T, R>} what all links call */
    #listen() {
      const { give, isAmong, readyAgain, gap, moved, ping, status, stale, error, state } = this.#owner;
      const unlessOld = (tell) => (link, event) => link !== this.#old && tell(link, event);
      return {
        onReady: (link, event) => {
          if (link === this.#next) return this.#change(link, event);
          if (link !== this.#live) return;
          this.#isBridged = false;
          readyAgain(link, event);
        },
        onMessage: (link, heard) => {
          const had = link === this.#live ? this.#whoHad(link, heard) : void 0;
          if (!had && this.#handover) return this.#handover.hear(link.routes, heard);
          const matching = link.routes.match(heard.message);
          if (!had) return give(heard, matching);
          const others = [...matching].filter((one) => !isAmong(one, had));
          if (others.length) give(heard, others);
        },
        onDown: (link) => this.#down(link),
        onEnd: (link, why) => this.#end(link, why),
        onGap: (link, what) => {
          const isBridged = link === this.#live && this.#isBridged;
          if (isBridged && REASONS_OF_THE_BEGINNING.has(what.reason)) return moved(link);
          if (link !== this.#old || !this.#handover?.isLed) gap(link, what);
        },
        onPing: unlessOld(ping),
        onStatus: unlessOld(status),
        onStale: unlessOld(stale),
        onError: unlessOld(error),
        onState: unlessOld(state)
      };
    }
    /**
     * @param {Link<T, R>} link that leads
     * @param {Heard} heard by it
     * @returns {ReadonlySet<T> | undefined} who has had it from the one before
     */
    #whoHad({ routes }, { cursor }) {
      if (cursor === null) return void 0;
      const had = this.#repeats.get(cursor);
      if (this.#next) this.#repeats.set(cursor, routes.carries);
      else this.#repeats.delete(cursor);
      return had;
    }
    /** @param {Link<T, R>} link */
    #down(link) {
      const isInChange = link !== this.#next;
      if (isInChange) this.#handover?.breakOff(link.reason || "a stream broke while it was replaced");
    }
    /**
     * @param {Link<T, R>} link
     * @param {PulseEventsError} why
     */
    #end(link, why) {
      if (link === this.#next) {
        this.drop();
        this.#owner.refused(link, why);
      } else if (link === this.#live) {
        this.#owner.ended(link, why);
      }
    }
  };

  // src/pulse_events/web/static/client/catch-up.js
  var WAITING_LIMIT = 1e4;
  var CatchUp = class {
    /** Whether the shared stream has what follows. */
    #isOver = false;
    /** The server's time of the own stream's ping since which nothing has come; empty if none. */
    #quietSince = "";
    /** Whether the own stream has yet to say by a ping that it has brought all there was. */
    #isPingDue;
    /** Cursors of what the own stream brought. */
    #brought = /* @__PURE__ */ new Set();
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
      this.#isPingDue = Object.values(place).some((start) => start !== void 0);
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
        this.#owner.over();
        this.#give(heard);
      }
    }
    /** @returns {LinkListener<Member, Routes<Member>>} */
    #listener() {
      const { ready, gap, state, error, ended } = this.#owner;
      const unlessOver = (act) => (...args) => {
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
        onStatus: () => {
        },
        // the shared stream tells
        onStale: () => {
        },
        onError: unlessOver((_, why) => error(why)),
        onState: unlessOver((_, how) => how.phase !== "closed" && state(how))
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
  };

  // src/pulse_events/web/static/client/topics.js
  var CACHE_LIMIT = 4096;
  var wordsOf = (text) => text === "" ? [] : text.split(".");
  var Node = class {
    /** @type {Map<string, Node<T>>} */
    children = /* @__PURE__ */ new Map();
    /** @type {Set<T>} */
    items = /* @__PURE__ */ new Set();
    /** @param {boolean} isAny */
    constructor(isAny) {
      this.isAny = isAny;
    }
  };
  var TopicIndex = class {
    /** @type {Node<T>} */
    #root = new Node(false);
    /** @type {Map<string, Set<T>>} */
    #answers = /* @__PURE__ */ new Map();
    /**
     * @param {string} pattern
     * @param {T} item
     */
    add(pattern, item) {
      let node = this.#root;
      for (const word of wordsOf(pattern)) {
        let child = node.children.get(word);
        if (!child) {
          child = new Node(word === "#");
          node.children.set(word, child);
        }
        node = child;
      }
      node.items.add(item);
      this.#answers.clear();
    }
    /**
     * @param {string} key a routing key
     * @returns {Set<T>} the items whose patterns match it; not to be changed
     */
    match(key) {
      let answer = this.#answers.get(key);
      if (!answer) {
        if (this.#answers.size >= CACHE_LIMIT) this.#answers.clear();
        answer = this.#search(key);
        this.#answers.set(key, answer);
      }
      return answer;
    }
    /**
     * Walks with the set of nodes reachable after each word: recursion on "#.#.#" is exponential.
     * @param {string} key
     */
    #search(key) {
      let nodes = reachable(this.#root, /* @__PURE__ */ new Set());
      for (const word of wordsOf(key)) nodes = advance(nodes, word);
      const found = /* @__PURE__ */ new Set();
      for (const node of nodes) for (const item of node.items) found.add(item);
      return found;
    }
  };
  function advance(nodes, word) {
    const reached = /* @__PURE__ */ new Set();
    for (const node of nodes) {
      if (node.isAny) reached.add(node);
      for (const step of [word, "*"]) {
        const child = node.children.get(step);
        if (child) reachable(child, reached);
      }
    }
    return reached;
  }
  function reachable(node, reached) {
    let next = node;
    for (; next; next = next.children.get("#")) reached.add(next);
    return reached;
  }
  var Router = class {
    /** @type {Map<string, TopicIndex<T>>} */
    #indexes = /* @__PURE__ */ new Map();
    /**
     * @param {Iterable<Binding>} bindings
     * @param {T} item
     */
    add(bindings, item) {
      for (const { exchange, routingKeyPattern } of bindings) {
        let index = this.#indexes.get(exchange);
        if (!index) {
          index = new TopicIndex();
          this.#indexes.set(exchange, index);
        }
        index.add(routingKeyPattern, item);
      }
    }
    /**
     * @param {Routed} message
     * @returns {Set<T>}
     */
    match(message) {
      const index = this.#indexes.get(message.exchange);
      if (!index) return /* @__PURE__ */ new Set();
      const found = index.match(message.routingKey);
      if (!message.cc?.length) return found;
      const all = new Set(found);
      for (const key of message.cc) for (const item of index.match(key)) all.add(item);
      return all;
    }
  };

  // src/pulse_events/web/static/client/routes.js
  function unionOf(members) {
    const union = /* @__PURE__ */ new Map();
    for (const { bindings } of members) {
      for (const binding of bindings) {
        union.set(JSON.stringify([binding.exchange, binding.routingKeyPattern]), binding);
      }
    }
    const keys = [...union.keys()].sort();
    return { key: keys.join(), bindings: keys.map((key) => (
      /** @type {Binding} */
      union.get(key)
    )) };
  }
  var Routes = class {
    /** @type {Set<T>} */
    carries = /* @__PURE__ */ new Set();
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
  };

  // src/pulse_events/web/static/client/roster.js
  var BEFORE_LIMIT = 16;
  var Roster = class {
    /** @type {Set<Member>} */
    members = /* @__PURE__ */ new Set();
    /**
     * Members that have had `ready`; a loss is what happened since.
     * @type {Map<Member, Loss | null>}
     */
    #told = /* @__PURE__ */ new Map();
    /** Where those begin that do not begin now. @type {Map<Member, Place>} */
    #places = /* @__PURE__ */ new Map();
    /** @type {Map<Member, CatchUp>} */
    #catchUps = /* @__PURE__ */ new Map();
    /** Whose place those took that went on from others, the newest first. @type {Map<Member, Member[]>} */
    #before = /* @__PURE__ */ new Map();
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
      const fresh = [];
      for (const member of members) {
        const place = this.placeOf(member);
        if (this.#catchUps.has(member) || isAlone(link, member)) {
          this.#arrive(member, link, event);
        } else if (this.#goesOn(member)) {
          const before = (
            /** @type {Member} */
            member.follows
          );
          const all = [before, ...this.#before.get(before) ?? []];
          this.#before.set(member, all.slice(0, BEFORE_LIMIT));
          this.#arrive(member, link, { ...event, isTold: link.cursor !== null });
        } else if (place) {
          this.#catchUp(place, [member]);
        } else if (event.resumed && event.isTold && !this.#told.has(member)) {
          fresh.push(member);
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
      const catchUps = /* @__PURE__ */ new Set();
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
        }
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
  };
  var isAlone = ({ routes }, member) => routes.carries.size === 1 && routes.carries.has(member);
  function tellGap({ sink }, { reason, from }) {
    sink.gap({ reason, from: new Date(from).toISOString(), to: (/* @__PURE__ */ new Date()).toISOString() });
  }

  // src/pulse_events/web/static/client/group.js
  var SETTLE_MS = 20;
  var LINGER_MS = 1e3;
  var RETRY_MS = 3e4;
  var Group = class {
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
      if (this.#relay.isBusy) return;
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
        led: () => {
        },
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
          if (state.phase === "closed") return;
          this.#tell(link, (sink) => sink.state({ ...state, shared: true }));
        }
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
      const live = (
        /** @type {Shared} */
        this.#relay.live
      );
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
      if (live && !live.isReady) return this.#ended(live, error);
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
  };
  function inItsWords(error, { routes }, { bindings }) {
    const message = error.message.replace(/^bindings\[(\d+)\]/, (_, index) => {
      const { exchange, routingKeyPattern } = routes.bindings[index] ?? {};
      const at = bindings.findIndex(
        (own) => own.exchange === exchange && own.routingKeyPattern === routingKeyPattern
      );
      return at < 0 ? "a binding of another listener" : `bindings[${at}]`;
    });
    return PulseEventsError.from({ ...error.toJSON(), message });
  }

  // src/pulse_events/web/static/client/switchboard.js
  var DEFAULT_MAX_BINDINGS = 100;
  var Switchboard = class {
    /** @type {Map<string, Group[]>} */
    #groups = /* @__PURE__ */ new Map();
    /** @type {Map<Member, Group | null>} `null` while it waits for the server's limit */
    #places = /* @__PURE__ */ new Map();
    #fetch;
    /** @param {Fetch} fetch */
    constructor(fetch = globalThis.fetch.bind(globalThis)) {
      this.#fetch = fetch;
    }
    /** @param {Member} member */
    async add(member) {
      this.#places.set(member, null);
      const limit = await this.#limitOf(member.endpoint);
      if (!this.#places.has(member)) return;
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
      const user = typeof token === "function" ? "whoever" : JSON.stringify(token);
      const key = `${endpoint.href} ${resume} ${user}`;
      const before = member.follows && this.#places.get(member.follows);
      const groups = [...before ? [before] : [], ...this.#groups.get(key) ?? []];
      const fits = (group2) => unionOf([...group2.members, member]).bindings.length <= limit;
      const found = groups.find(fits);
      if (found) return found;
      const group = new Group(this.#fetch, () => {
        this.#groups.set(
          key,
          (this.#groups.get(key) ?? []).filter((other) => other !== group)
        );
      });
      this.#groups.set(key, [...this.#groups.get(key) ?? [], group]);
      return group;
    }
  };

  // src/pulse_events/web/static/client/worker.js
  var switchboard = new Switchboard();
  if ("onconnect" in globalThis) {
    const holding = holdLock();
    addEventListener("connect", (event) => {
      const [port] = (
        /** @type {MessageEvent} */
        event.ports
      );
      void holding.then((lock) => serve(port, switchboard, lock));
    });
  } else {
    serve(
      /** @type {any} */
      globalThis,
      switchboard
    );
  }
  addEventListener("online", () => switchboard.wake());
})();
