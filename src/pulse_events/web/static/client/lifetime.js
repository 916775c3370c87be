// @ts-check
/**
 * What happens to the page or the computer, told to whoever holds a connection.
 */

/**
 * Why a page that goes into the back/forward cache lets go: with an open connection it could not.
 */
const LEFT = "the page was left and came back";

/**
 * @param {{ wake(): void, pause(reason: string): void, resume(): void }} holder
 * @returns {() => void} stops it
 */
export function watchLifetime(holder) {
  const stop = new AbortController();
  const until = { signal: stop.signal };
  // Node has the function not, a worker the document not.
  globalThis.addEventListener?.("online", () => holder.wake(), until);
  globalThis.addEventListener?.("pagehide", () => holder.pause(LEFT), until);
  globalThis.addEventListener?.("pageshow", () => holder.resume(), until);
  globalThis.document?.addEventListener("resume", () => holder.wake(), until); // a frozen tab
  return () => stop.abort();
}
