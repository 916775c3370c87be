// @ts-check
/**
 * Characters that do not show, or that turn text around, as signs that do: what a sender chose must
 * not look like something else.
 */

const EMOJI = String.raw`[\p{Extended_Pictographic}\p{Emoji_Modifier}]`;
/** Within emoji these are what they are for: they join two, or ask for the coloured form. */
const IN_EMOJI = [
  String.raw`(?<=${EMOJI}\uFE0F?)\u200D(?=\p{Extended_Pictographic})`,
  String.raw`(?<=[\p{Emoji}\u200D])[\uFE0E\uFE0F]`,
].join("|");
/** U+2800 is Braille without a dot.  A line feed has its own sign, see `inLine`. */
const UNSEEN = String.raw`[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Zl}\p{Zp}\u2800]|(?!\n)\p{Cc}`;
const EITHER = new RegExp(`${IN_EMOJI}|(${UNSEEN})`, "gu");
const MAY_BE_UNSEEN = new RegExp(UNSEEN, "u");

/**
 * @param {string} text
 * @returns {string} the same, with signs such as "‹U+202E›" and "␀"
 */
export function visible(text) {
  if (!MAY_BE_UNSEEN.test(text)) return text;
  return text.replace(EITHER, (found, unseen) => (unseen ? signOf(unseen) : found));
}

/**
 * @param {string} text
 * @returns {string} the same in one line
 */
export const inLine = (text) => visible(text).replaceAll("\n", "␊");

/** @param {string} text */
export const hasUnseen = (text) => visible(text) !== text;

/**
 * @param {string} text
 * @returns {string} for between quotes, where the filter reads such escapes
 */
export function escaped(text) {
  return text.replace(EITHER, (found, unseen) => (unseen ? escapeOf(unseen) : found));
}

/** @param {string} character */
function signOf(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  if (code < 0x20) return String.fromCharCode(0x2400 + code); // the pictures of controls
  return `‹U+${hex(code)}›`;
}

/** @param {string} character */
function escapeOf(character) {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${hex(unit)}`).join("");
}

/** @param {number} code */
const hex = (code) => code.toString(16).toUpperCase().padStart(4, "0");
