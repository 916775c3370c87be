// @ts-check
/** The state of the listening in words. */

/** @import { State } from "../types.d.ts" */
/** @typedef {{ tone: "idle" | "busy" | "good" | "bad", title: string, words: string }} Said */

/** @param {number} count */
const bindingsInWords = (count) => `${count} binding${count === 1 ? "" : "s"}`;

/**
 * @param {State | null} state null if nothing was started
 * @param {{ bindings: number, now: number, silentMs: number | null, file: string }} facts
 * @returns {Said}
 */
export function describeState(state, { bindings, now, silentMs, file }) {
  if (file) return { tone: "idle", title: "Offline", words: `looking at ${file}` };
  if (!state) return { tone: "idle", title: "Stopped", words: "not listening" };
  const what = bindingsInWords(bindings);
  switch (state.phase) {
    case "open":
      return { tone: "good", title: "Listening", words: `to ${what}${sayShared(state)}` };
    case "connecting":
      return { tone: "busy", title: "Connecting", words: state.reason ? `again: ${state.reason}` : `to hear ${what}` };
    case "waiting":
      return { tone: "bad", title: "Disconnected", words: sayWaiting(state, now, silentMs) };
    case "paused":
      return { tone: "busy", title: "Asleep", words: state.reason };
    default:
      return state.reason
        ? { tone: "bad", title: "Refused", words: state.reason }
        : { tone: "idle", title: "Stopped", words: "not listening" };
  }
}

/** @param {State} state */
const sayShared = ({ shared }) => (shared ? ", on one connection for all tabs" : "");

/**
 * @param {State} state
 * @param {number} now
 * @param {number | null} silentMs
 */
function sayWaiting({ reason, retryAt, attempt }, now, silentMs) {
  const silent = silentMs === null ? "" : ` (silent for ${Math.round(silentMs / 1000)} s)`;
  const seconds = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1000));
  const next = seconds ? `trying again in ${seconds} s` : "trying again now";
  const times = attempt > 1 ? `, attempt ${attempt}` : "";
  return `${reason || "the connection was lost"}${silent}; ${next}${times}`;
}
