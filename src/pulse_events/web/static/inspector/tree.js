// @ts-check
/**
 * A JSON value as a folding tree.  A branch is built when it is opened, a hundred entries at a time,
 * so that neither size nor depth of what anybody sent can freeze the page.
 */
import { button, element, set } from "./dom.js";

/**
 * A number as it was written, where JavaScript would round it.
 */
export class WrittenNumber {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/** @typedef {{ value: unknown, key: string | number | null, path: string }} Place */
/** @typedef {(place: Place) => Node | null} ActionsFor */

const CHUNK = 100;
const STRING_LIMIT = 500;
const PREVIEW_LIMIT = 60;
const OPEN_AT_ONCE = 40;
const EXPAND_LIMIT = 1000;

/**
 * @param {unknown} value
 * @param {{ path: string, actionsFor: ActionsFor }} options `path` of the value, as the filter has it
 * @returns {HTMLElement}
 */
export function treeOf(value, { path, actionsFor }) {
  const place = { value, key: null, path };
  const root = element("div", { class: "tree", onkeydown: moveInTree });
  /** @param {EventTarget | null} target */
  const offer = (target) => {
    const line = target instanceof Element ? target.closest(".node") : null;
    const found = line && places.get(line);
    if (!line || !found || line.querySelector(":scope > .node-actions")) return;
    root.querySelector(".node-actions")?.remove();
    const actions = actionsFor(found);
    if (actions) line.append(element("span", { class: "node-actions" }, actions));
  };
  root.addEventListener("pointerover", (event) => offer(event.target));
  root.addEventListener("focusin", (event) => offer(event.target));
  const top = nodeOf(place);
  root.append(top);
  if (top instanceof HTMLDetailsElement) openBriefly(top);
  return root;
}

/**
 * Opens what is closed, breadth first, up to a limit.
 * @param {HTMLElement} tree
 * @returns {boolean} whether all is open
 */
export function expandAll(tree) {
  for (let count = 0; count < EXPAND_LIMIT; ) {
    const closed = tree.querySelectorAll("details:not([open])");
    if (!closed.length) return true;
    for (const each of [...closed].slice(0, EXPAND_LIMIT - count)) {
      open(/** @type {HTMLDetailsElement} */ (each));
      count += 1;
    }
  }
  return false;
}

/** @type {WeakMap<Element, Place>} */
const places = new WeakMap();
/** @type {WeakMap<Element, () => void>} */
const builders = new WeakMap();

/**
 * @param {Place} place
 * @returns {HTMLElement}
 */
function nodeOf(place) {
  const { value, key } = place;
  const isBranch = value !== null && typeof value === "object" && !(value instanceof WrittenNumber);
  const size = isBranch ? Object.keys(value).length : 0;
  if (size) return branch(place, /** @type {object} */ (value), size);
  const line = element("div", { class: "node leaf", tabindex: -1 }, ...keyOf(key), leaf(value));
  places.set(line, place);
  return line;
}

/**
 * @param {Place} place
 * @param {object} value
 * @param {number} size
 */
function branch(place, value, size) {
  const preview = element("span", { class: "preview" }, previewOf(value, size));
  const summary = element("summary", { class: "node" }, ...keyOf(place.key), preview);
  const inside = element("div", { class: "inside" });
  const details = element("details", {}, summary, inside);
  places.set(summary, place);
  builders.set(details, () => fill(inside, value, place.path));
  details.addEventListener("toggle", () => details.open && build(details));
  return details;
}

/** @param {HTMLDetailsElement} details */
function build(details) {
  builders.get(details)?.();
  builders.delete(details);
}

/** @param {HTMLDetailsElement} details */
function open(details) {
  build(details);
  details.open = true;
}

/**
 * Opens the top, and what is in it if that is not much.
 * @param {HTMLDetailsElement} top
 */
function openBriefly(top) {
  open(top);
  const inner = [...top.querySelectorAll("details")];
  let room = OPEN_AT_ONCE - inner.length;
  for (const each of inner) {
    const place = places.get(/** @type {Element} */ (each.firstElementChild));
    room -= Object.keys(/** @type {object} */ (place?.value ?? {})).length;
    if (room < 0) return;
    open(each);
  }
}

/**
 * @param {HTMLElement} inside
 * @param {object} value
 * @param {string} path
 */
function fill(inside, value, path) {
  const isList = Array.isArray(value);
  const entries = isList ? value : Object.entries(value);
  /** @param {number} from */
  const more = (from) => {
    const part = entries.slice(from, from + CHUNK).map((entry, i) => {
      const [key, inner] = isList ? [from + i, entry] : entry;
      return nodeOf({ value: inner, key, path: isList ? path : `${path}.${key}` });
    });
    inside.append(...part);
    const left = entries.length - from - part.length;
    if (!left) return;
    const label = `Show ${Math.min(CHUNK, left)} of ${left.toLocaleString("en")} more`;
    const next = button(label, () => {
      next.remove();
      more(from + CHUNK);
    });
    set(next, { class: "quiet more" });
    inside.append(next);
  };
  more(0);
}

/** @param {string | number | null} key */
function keyOf(key) {
  if (key === null) return [];
  const text = String(key);
  const shown = text.length > STRING_LIMIT ? `${text.slice(0, STRING_LIMIT)}…` : text;
  return [element("span", { class: "key" }, shown), ": "];
}

/** @param {unknown} value */
function leaf(value) {
  if (typeof value === "string") return stringLeaf(value);
  if (value instanceof WrittenNumber) return element("span", { class: "number" }, value.text);
  if (value !== null && typeof value === "object") {
    return element("span", { class: "preview" }, Array.isArray(value) ? "[]" : "{}");
  }
  const kind = value === null ? "null" : typeof value;
  return element("span", { class: kind }, String(value));
}

/** @param {string} text */
function stringLeaf(text) {
  const span = element("span", { class: "string" });
  if (text.length <= STRING_LIMIT) {
    span.textContent = JSON.stringify(text);
    return span;
  }
  const all = button(`show all ${text.length.toLocaleString("en")} characters`, () => {
    span.textContent = JSON.stringify(text);
  });
  set(all, { class: "quiet more" });
  span.append(`${JSON.stringify(text.slice(0, STRING_LIMIT)).slice(0, -1)}… `, all);
  return span;
}

/**
 * @param {object} value
 * @param {number} size
 */
function previewOf(value, size) {
  if (Array.isArray(value)) return `[${size}]`;
  const keys = [];
  for (const key in value) {
    if (keys.push(key) > 5) break;
  }
  const names = keys.join(", ");
  const isCut = names.length > PREVIEW_LIMIT || keys.length < size;
  return `{${names.slice(0, PREVIEW_LIMIT)}${isCut ? "…" : ""}}`;
}

/** @param {KeyboardEvent} event */
function moveInTree(event) {
  const { target, key, currentTarget } = event;
  if (!(target instanceof HTMLElement) || !target.matches(".node")) return;
  const tree = /** @type {HTMLElement} */ (currentTarget);
  if (key === "ArrowDown" || key === "ArrowUp") focusNext(tree, target, key === "ArrowDown");
  else if (key === "ArrowRight" || key === "ArrowLeft") fold(target, key === "ArrowRight");
  else return;
  event.preventDefault();
}

/**
 * @param {HTMLElement} tree
 * @param {HTMLElement} from
 * @param {boolean} isDown
 */
function focusNext(tree, from, isDown) {
  const nodes = [...tree.querySelectorAll(".node")].filter((node) => node.checkVisibility());
  const next = nodes[nodes.indexOf(from) + (isDown ? 1 : -1)];
  if (next instanceof HTMLElement) next.focus();
}

/**
 * @param {HTMLElement} node
 * @param {boolean} opens
 */
function fold(node, opens) {
  const details = node.parentElement;
  const isSummary = node.tagName === "SUMMARY" && details instanceof HTMLDetailsElement;
  if (isSummary && details.open !== opens) {
    if (opens) open(details);
    else details.open = false;
  } else if (!opens) {
    const above = (isSummary ? details.parentElement : node)?.closest("details");
    /** @type {HTMLElement | null | undefined} */ (above?.querySelector("summary"))?.focus();
  }
}
