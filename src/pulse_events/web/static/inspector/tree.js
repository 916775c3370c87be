// @ts-check
/**
 * A JSON value as a folding tree.  A branch is built when it is opened, a hundred entries at a
 * time, so that neither size nor depth of what anybody sent can freeze the page.
 *
 * The lines stand beside each other, whatever their level: a thousand elements inside each other
 * are more than a browser can lay out.
 */
import { button, element, set } from "./dom.js";
import { entryCount, keyParts, preview, valueNode } from "./values.js";

/** @typedef {{ value: unknown, key: string | number | null, path: string }} Place */
/** @typedef {(place: Place) => Node | null} ActionsFor */
/** @typedef {{ place: Place, level: number, size: number }} Line */

const CHUNK = 100;
const OPEN_AT_ONCE = 40;
const EXPAND_LIMIT = 1000;
const INDENT_PX = 14;
/** Deeper levels are told by a number, or the text would leave the pane. */
const INDENTS = 16;

export class Tree {
  element = element("div", { class: "tree", role: "tree", "aria-label": "Payload" });
  /** @type {WeakMap<Element, Line>} */
  #lines = new WeakMap();
  #actionsFor;

  /**
   * @param {unknown} value
   * @param {{ path: string, actionsFor: ActionsFor }} options `path` of it, as the filter has it
   */
  constructor(value, { path, actionsFor }) {
    this.#actionsFor = actionsFor;
    const top = this.#line({ value, key: null, path }, 1);
    set(top, { tabindex: 0 });
    this.element.append(top);
    this.element.addEventListener("click", (event) => this.#click(event));
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("pointerover", (event) => this.#offer(event.target));
    this.element.addEventListener("focusin", (event) => this.#focused(event.target));
    this.#openBriefly(top);
  }

  /**
   * Opens what is closed, level by level, up to a limit.
   * @returns {boolean} whether all is open
   */
  openAll() {
    for (let left = EXPAND_LIMIT; left > 0; ) {
      const closed = [...this.element.querySelectorAll('[aria-expanded="false"]')];
      if (!closed.length) return true;
      for (const line of closed.slice(0, left)) this.#open(line);
      left -= closed.length;
    }
    return !this.element.querySelector('[aria-expanded="false"]');
  }

  /**
   * @param {Place} place
   * @param {number} level from one
   */
  #line(place, level) {
    const size = entryCount(place.value);
    const shown = size ? preview(place.value, size) : valueNode(place.value);
    const depth = level > INDENTS ? element("span", { class: "depth" }, `${level} `) : null;
    const line = element(
      "div",
      {
        class: size ? "node branch" : "node leaf",
        role: "treeitem",
        tabindex: -1,
        "aria-level": level,
        "aria-expanded": size ? "false" : null,
      },
      depth,
      ...keyParts(place.key),
      shown,
    );
    line.style.paddingLeft = `${Math.min(level, INDENTS) * INDENT_PX}px`;
    this.#lines.set(line, { place, level, size });
    return line;
  }

  /** @param {Element} line */
  #open(line) {
    const found = this.#lines.get(line);
    if (!found?.size || line.ariaExpanded !== "false") return;
    set(line, { "aria-expanded": "true" });
    this.#fill(line, found, 0);
  }

  /** @param {Element} line */
  #close(line) {
    set(line, { "aria-expanded": "false" });
    const level = this.#levelOf(line);
    while (line.nextElementSibling && this.#levelOf(line.nextElementSibling) > level) {
      line.nextElementSibling.remove();
    }
  }

  /**
   * @param {Element} after
   * @param {Line} branch
   * @param {number} from which of its entries is the next
   */
  #fill(after, { place, level, size }, from) {
    const value = /** @type {object} */ (place.value);
    const keys = Array.isArray(value) ? null : Object.keys(value);
    const to = Math.min(size, from + CHUNK);
    const lines = [];
    for (let i = from; i < to; i += 1) {
      const key = keys ? keys[i] : i;
      const inner = /** @type {Record<string | number, unknown>} */ (value)[key];
      const path = keys ? `${place.path}.${key}` : place.path;
      lines.push(this.#line({ value: inner, key, path }, level + 1));
    }
    if (to < size) lines.push(this.#more(place, level, size, to));
    after.after(...lines);
  }

  /**
   * @param {Place} place
   * @param {number} level
   * @param {number} size
   * @param {number} from
   */
  #more(place, level, size, from) {
    const left = size - from;
    const label = `Show ${Math.min(CHUNK, left)} of ${left.toLocaleString("en")} more`;
    const next = button(label, () => {
      this.#fill(line, { place, level, size }, from);
      this.#step(line, 1);
      line.remove();
    });
    set(next, { class: "quiet more" });
    const line = element("div", { role: "none" }, next);
    this.#lines.set(line, { place, level: level + 1, size: 0 });
    return line;
  }

  /**
   * Opens the top, and what is in it if that is not much.
   * @param {Element} top
   */
  #openBriefly(top) {
    this.#open(top);
    const inner = [...this.element.querySelectorAll('[aria-expanded="false"]')];
    let room = OPEN_AT_ONCE - inner.length;
    for (const line of inner) {
      room -= this.#lines.get(line)?.size ?? 0;
      if (room < 0) return;
      this.#open(line);
    }
  }

  /** @param {Element} line */
  #levelOf(line) {
    return this.#lines.get(line)?.level ?? 0;
  }

  /** @param {EventTarget | null} target */
  #lineAt(target) {
    return target instanceof Element ? target.closest(".node") : null;
  }

  /** @param {MouseEvent} event */
  #click({ target }) {
    const isButton = target instanceof Element && target.closest("button");
    const line = isButton ? null : this.#lineAt(target);
    if (line) this.#toggle(line);
  }

  /** @param {Element} line */
  #toggle(line) {
    if (line.ariaExpanded === "true") this.#close(line);
    else this.#open(line);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const line = this.#lineAt(event.target);
    if (!line || event.target !== line) return;
    if (event.key === "ArrowDown") this.#step(line, 1);
    else if (event.key === "ArrowUp") this.#step(line, -1);
    else if (event.key === "ArrowRight") this.#goIn(line);
    else if (event.key === "ArrowLeft") this.#goOut(line);
    else if (event.key === "Enter" || event.key === " ") this.#toggle(line);
    else return;
    event.preventDefault();
  }

  /** @param {Element} line */
  #goIn(line) {
    if (line.ariaExpanded === "true") this.#step(line, 1);
    else this.#open(line);
  }

  /** @param {Element} line */
  #goOut(line) {
    if (line.ariaExpanded === "true") return this.#close(line);
    const level = this.#levelOf(line);
    let above = line.previousElementSibling;
    while (above && this.#levelOf(above) >= level) above = above.previousElementSibling;
    /** @type {HTMLElement | null} */ (above)?.focus();
  }

  /**
   * @param {Element} line
   * @param {1 | -1} by
   */
  #step(line, by) {
    const next = by > 0 ? line.nextElementSibling : line.previousElementSibling;
    const target = next?.matches(".node") ? next : next?.querySelector("button");
    /** @type {HTMLElement | null | undefined} */ (target)?.focus();
  }

  /** @param {EventTarget | null} target */
  #focused(target) {
    const line = this.#lineAt(target);
    if (!line) return;
    const [former] = this.element.querySelectorAll('[tabindex="0"]');
    if (former) set(former, { tabindex: -1 });
    set(line, { tabindex: 0 });
    this.#offer(target);
  }

  /**
   * Shows what can be done with a value beside it.
   * @param {EventTarget | null} target
   */
  #offer(target) {
    const line = this.#lineAt(target);
    const found = line && this.#lines.get(line);
    if (!found || line.querySelector(".node-actions")) return;
    this.element.querySelector(".node-actions")?.remove();
    const actions = this.#actionsFor(found.place);
    if (actions) line.append(element("span", { class: "node-actions" }, actions));
  }
}
