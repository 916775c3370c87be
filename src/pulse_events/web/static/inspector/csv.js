// @ts-check
/**
 * Comma-separated values, RFC 4180; safe to be opened by a spreadsheet, which would take a cell
 * that starts with `=` for a formula.  A negative number is none.
 */

const FORMULA = /^['=+\-@\t\r]/; // the apostrophe itself too, so that it can be taken off again
const NUMBER = /^-\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
const PLAIN = /[^",\r\n]*/y;
const LINE_END = /\r\n|\n|\r|$/y;

/** @param {string[]} cells */
export function csvLine(cells) {
  return cells.map(csvCell).join(",") + "\r\n";
}

/** @param {string} text */
function csvCell(text) {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * @param {string} text
 * @returns {Generator<{ line: number, cells: string[] }>} rows; `line` is the first one's number
 * @throws SyntaxError that names the line
 */
export function* csvRows(text) {
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const start = at;
    const cells = [];
    do {
      const cell = readCell(text, cells.length ? at + 1 : at);
      cells.push(cell.text);
      at = cell.end;
    } while (text[at] === ",");
    LINE_END.lastIndex = at;
    if (at < 0 || !LINE_END.test(text)) throw new SyntaxError(`line ${line}: a stray quote`);
    at = LINE_END.lastIndex;
    if (cells.length > 1 || cells[0]) yield { line, cells };
    line += text.slice(start, at).match(/\r\n|\n|\r/g)?.length ?? 0;
  }
}

/**
 * @param {string} text
 * @param {number} start
 */
function readCell(text, start) {
  const end = text[start] === '"' ? endOfQuoted(text, start) : endOfPlain(text, start);
  const cell = text.slice(start, end);
  return { end, text: bare(cell[0] === '"' ? cell.slice(1, -1).replaceAll('""', '"') : cell) };
}

/**
 * @param {string} text
 * @param {number} start
 * @returns {number} -1 if it has no end
 */
function endOfQuoted(text, start) {
  let at = start;
  do {
    at = text.indexOf('"', at + 1);
    if (at < 0) return at;
    at += 1;
  } while (text[at] === '"');
  return at;
}

/**
 * @param {string} text
 * @param {number} start
 */
function endOfPlain(text, start) {
  PLAIN.lastIndex = start;
  PLAIN.test(text);
  return PLAIN.lastIndex;
}

/** @param {string} cell */
const bare = (cell) => (/^'['=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell);
