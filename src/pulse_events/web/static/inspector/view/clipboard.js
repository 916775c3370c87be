// @ts-check
/** Copies text, and says so. */
import { say } from "./announce.js";

/**
 * @param {string} text
 * @param {string} what it is, in words
 */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyBySelection(text)) return say(`The browser does not allow to copy ${what}`);
  }
  say(`Copied ${what}`);
}

/** Pages that came over plain HTTP from another machine have no clipboard. @param {string} text */
function copyBySelection(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  const { activeElement } = document;
  document.body.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  /** @type {HTMLElement | null} */ (activeElement)?.focus();
  return isDone;
}
