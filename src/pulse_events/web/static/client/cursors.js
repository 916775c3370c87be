// @ts-check
/**
 * The order of two cursors of this server's; other servers' have none that is known here.
 */

/** Version, kind and id of the history in a process's memory; the position, hexadecimal. */
const OF_MEMORY = /^(1m[\w-]{11})([0-9a-f]{1,12})$/;
/** Version and kind of a log; the offset; before its entry or behind it; the entry's check. */
const OF_LOG = /^(1s)([0-9a-f]{1,16})([-_])[0-9a-f]{8}$/;

/**
 * @param {string | null} cursor
 * @returns {[string, bigint] | null} the history and the place in it
 */
function read(cursor) {
  const [, history, position, side = ""] =
    OF_MEMORY.exec(cursor ?? "") ?? OF_LOG.exec(cursor ?? "") ?? [];
  if (history === undefined) return null;
  return [history, 2n * BigInt(`0x${position}`) + (side === "_" ? 1n : 0n)];
}

/**
 * @param {string} cursor
 * @param {string | null} other
 * @returns {boolean} whether it is known to be the older one of two in the same history
 */
export function isBehind(cursor, other) {
  const [one, two] = [read(cursor), read(other)];
  return one !== null && two !== null && one[0] === two[0] && one[1] < two[1];
}
