// @ts-check
/**
 * The token that says who listens: what the page gave, a text or a function, asked for each stream.
 */
import { PulseEventsError } from "./errors.js";

/** @typedef {import("../pulse-events.d.ts").Token} Token */

/** What a header may hold; fetch would refuse anything else as if the network were down. */
const SENDABLE = /^[!-~]+$/;

/**
 * @param {Token | undefined} token
 * @returns {Promise<string | null>} `null` if there is none
 * @throws {PulseEventsError} if the function fails, or what it gave cannot be sent
 */
export async function tokenOf(token) {
  const found = typeof token === "function" ? await ask(token) : token;
  if (found === undefined || found === null) return null;
  if (typeof found === "string" && SENDABLE.test(found)) return found;
  const message = "the token is not a text of ASCII letters, digits and signs without blanks";
  throw new PulseEventsError(message, { permanent: true });
}

/**
 * The token of listeners that are the same to the server: one of them gives it.
 * @param {Iterable<{ token?: Token }>} listeners those that are there when it is asked for
 * @returns {Token | undefined}
 */
export function tokenAmong(listeners) {
  const [first] = listeners;
  return typeof first.token === "function" ? () => firstOf(listeners) : first.token;
}

/** @param {Iterable<{ token?: Token }>} listeners */
async function firstOf(listeners) {
  let failure;
  for (const { token } of listeners) {
    try {
      return await tokenOf(token);
    } catch (error) {
      failure = error; // its page may have left: ask the next one
    }
  }
  throw failure;
}

/** @param {() => unknown} token */
async function ask(token) {
  try {
    return await token();
  } catch (error) {
    if (error instanceof PulseEventsError) throw error; // a page has said it to its worker
    const why = error instanceof Error ? error.message : String(error);
    throw new PulseEventsError(`cannot get a token: ${why}`);
  }
}
