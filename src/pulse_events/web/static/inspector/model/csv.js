// @ts-check
/** CSV as RFC 4180 has it, safe to open in a spreadsheet. */

/**
 * A spreadsheet computes what starts like this, and messages are written by anyone.
 * @param {string} cell
 */
const harmless = (cell) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell);

/** @param {string} cell */
function quote(cell) {
  const safe = harmless(cell);
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * @param {Iterable<readonly string[]>} rows
 * @returns {string[]} lines with their ends
 */
export function formatCsv(rows) {
  return [...rows].map((row) => `${row.map(quote).join(",")}\r\n`);
}

/**
 * @param {string} text
 * @returns {string[][]} rows; empty lines are left out
 */
export function parseCsv(text) {
  /** @type {string[][]} */
  const rows = [];
  /** @type {string[]} */
  let row = [];
  const cells = /(?:"([^"]*(?:""[^"]*)*)"|([^,\r\n]*))(,|\r?\n|$)/g;
  cells.lastIndex = text.startsWith("\ufeff") ? 1 : 0;
  for (let cell = cells.exec(text); cell; cell = cells.exec(text)) {
    const [, quoted, plain, end] = cell;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ",") {
      if (row.length > 1 || row[0]) rows.push(row);
      row = [];
    }
    if (cells.lastIndex >= text.length && end !== ",") break;
  }
  return rows;
}
