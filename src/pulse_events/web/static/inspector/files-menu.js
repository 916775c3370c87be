// @ts-check
/**
 * Saving what the table holds, and looking at what was saved.
 */
import { tally } from "./counts.js";
import { button, byId, element } from "./dom.js";
import { fromFile, inPieces, toCsv, toJsonLines } from "./files.js";

/** @import { Arrival, Entry } from "./log.js" */
/** @import { Loaded } from "./files.js" */
/**
 * @typedef {object} Kept
 * @property {Entry[]} all oldest first
 * @property {Entry[] | null} matching those that pass the filter; `null` without one
 * @property {() => void} onSaved to be told that all of it was saved
 */

/**
 * @param {() => Kept} kept asked when the menu is opened
 * @param {() => void} onSaved
 */
export function fillSaveMenu(kept, onSaved) {
  const menu = byId("files");
  menu.addEventListener("beforetoggle", ({ newState }) => {
    // What the buttons would save is not to be kept longer than it is offered.
    if (newState === "closed") return menu.replaceChildren();
    const { all, matching, onSaved: onAllSaved } = kept();
    const note = () => {
      onAllSaved();
      onSaved();
    };
    const rows = [choices("All that is kept", all, note)];
    // Of what a pause holds back too: it is more than the table shows at the moment.
    if (matching) rows.push(choices("What passes the filter", matching, () => {}));
    menu.replaceChildren(...rows);
  });
}

/**
 * @param {string} title
 * @param {Entry[]} entries
 * @param {() => void} onSaved
 */
function choices(title, entries, onSaved) {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
  /**
   * @param {string} label
   * @param {string} extension
   * @param {(entries: Arrival[]) => string} write
   * @param {string} type
   */
  const choice = (label, extension, write, type) =>
    button(label, async () => {
      byId("files").hidePopover();
      await save(`pulse-${stamp}.${extension}`, inPieces(entries, write), type);
      onSaved();
    });
  return element(
    "div",
    { class: "choices-of", role: "group", "aria-label": title },
    element("h3", {}, `${title}: ${tally(entries)}`),
    choice("JSON lines", "jsonl", toJsonLines, "application/x-ndjson"),
    choice("CSV", "csv", toCsv, "text/csv"),
  );
}

/**
 * @param {string} name
 * @param {Iterable<string>} pieces of its text
 * @param {string} type
 */
async function save(name, pieces, type) {
  const parts = [];
  for (const piece of pieces) {
    parts.push(new Blob([piece])); // to copy all at the end would take as long
    await new Promise((resolve) => setTimeout(resolve)); // messages and keys have their turn
  }
  const href = URL.createObjectURL(new Blob(parts, { type }));
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/**
 * Lets a file be chosen or dropped.
 * @param {(name: string, loaded: Loaded) => void} onLoaded
 */
export function takeFiles(onLoaded) {
  const input = /** @type {HTMLInputElement} */ (byId("file"));
  const drop = byId("drop");
  /** @param {File | undefined} file */
  const read = async (file) => {
    if (!file) return;
    const loaded = await file.text().then(
      (text) => fromFile(file.name, text),
      ({ message }) => ({ entries: [], faults: [{ line: 0, message }] }), // it went, or is a folder
    );
    onLoaded(file.name, loaded);
  };
  byId("load").addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    await read(input.files?.[0]);
    input.value = ""; // the same file may be chosen again
  });
  addEventListener("dragenter", (event) => (drop.hidden = !hasFiles(event)));
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) drop.hidden = true;
  });
  addEventListener("drop", (event) => {
    drop.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    void read(event.dataTransfer?.files[0]);
  });
}

/** @param {DragEvent} event */
function hasFiles({ dataTransfer }) {
  return dataTransfer?.types.includes("Files") ?? false;
}
