// @ts-check
/**
 * The order of two cursors of this server's; other servers' have none that is known here.
 */

/** Version, kind and id of the history; the position, hexadecimal. */
const SHAPE = /^(1[a-z][\w-]{11})([0-9a-f]{1,12})$/;

/**
 * @param {string} cursor
 * @param {string | null} other
 * @returns {boolean} whether it is known to be the older one of two in the same history
 */
export function isBehind(cursor, other) {
  const [, history, position = ""] = SHAPE.exec(cursor) ?? [];
  const [, otherHistory, otherPosition = ""] = SHAPE.exec(other ?? "") ?? [];
  if (history === undefined || history !== otherHistory) return false;
  return Number.parseInt(position, 16) < Number.parseInt(otherPosition, 16);
}
