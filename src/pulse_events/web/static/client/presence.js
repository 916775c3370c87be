// @ts-check
/**
 * Whether the other end of a port still exists: ports do not tell, locks do, since a lock is free
 * when its holder ends, however it ends.  Locks exist in secure contexts only (https, localhost).
 */

/** @returns {Promise<string | null>} the name of a lock that this context holds until its end */
export async function holdLock() {
  if (!globalThis.navigator?.locks) return null;
  const name = `pulse-events ${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    const held = () => {
      resolve(name);
      return new Promise(() => {});
    };
    navigator.locks.request(name, held).catch(() => resolve(null));
  });
}

/**
 * @param {string} name of a lock that the other end holds
 * @param {AbortSignal} signal stops waiting for its end
 * @param {() => void} gone
 */
export function watchLock(name, signal, gone) {
  navigator.locks.request(name, { signal }, gone).catch(() => {}); // aborted
}
