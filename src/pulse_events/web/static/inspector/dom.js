// @ts-check
/**
 * Elements made by script: text stays text, whatever it holds, and what would not show has a sign.
 */
import { visible } from "./signs.js";

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {Record<string, unknown>} Attributes */

/**
 * Makes an element.  An attribute that is a function is a listener (`onclick`), `true` is an empty
 * attribute, `null`, `undefined` and `false` are none; ARIA's say `true` and `false` in words.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  set(made, attributes);
  made.append(...present(children));
  return made;
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  set(made, attributes);
  made.append(...present(children));
  return made;
}

/** Attributes that people read. */
const READ_OUT = new Set(["title", "aria-label"]);

/**
 * @param {Element} target
 * @param {Attributes} attributes
 */
export function set(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      target.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (typeof value === "boolean" && name.startsWith("aria-")) {
      target.setAttribute(name, String(value));
    } else if (value === null || value === undefined || value === false) {
      target.removeAttribute(name);
    } else {
      const text = value === true ? "" : String(value);
      target.setAttribute(name, READ_OUT.has(name) ? visible(text) : text);
    }
  }
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
export function present(children) {
  return children.flatMap((child) => {
    if (typeof child === "string") return visible(child);
    return child instanceof Node ? child : [];
  });
}

/**
 * @param {string} id of an element that index.html has
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no #${id}`);
  return found;
}

/**
 * @param {string} label
 * @param {(event: MouseEvent) => void} onclick
 * @param {Attributes} [attributes]
 */
export function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, label);
}

/**
 * Changes the text only if it differs, so that nothing is laid out anew for nothing.
 * @param {Node} node
 * @param {string} text
 */
export function say(node, text) {
  const shown = visible(text);
  if (node.textContent !== shown) node.textContent = shown;
}

let lastId = 0;

/** @param {string} prefix */
export const freshId = (prefix) => `${prefix}-${++lastId}`;
