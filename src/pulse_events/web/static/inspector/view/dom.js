// @ts-check
/**
 * Elements from values.  Text becomes text nodes and attributes, never HTML; this is the only module that
 * makes elements.
 */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | null | undefined | false} Child */
/**
 * @typedef {{
 *   class?: string, on?: Record<string, (event: any) => void>,
 *   [attribute: string]: string | number | boolean | null | undefined | Record<string, (event: any) => void>,
 * }} Properties
 */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Properties} properties attributes; true is an attribute without a value, false is none
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") listen(element, /** @type {any} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child || child === "") element.append(child);
  return element;
}

/**
 * @param {EventTarget} target
 * @param {Record<string, (event: any) => void>} on
 */
function listen(target, on) {
  for (const [kind, listener] of Object.entries(on)) target.addEventListener(kind, listener);
}

/**
 * @param {string} id
 * @returns {HTMLElement} what the page's HTML has under it
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Paths in a square of 16. */
const ICONS = {
  play: "M4.5 2.5v11l9-5.5z",
  pause: "M4.5 3v10M11.5 3v10",
  stop: "M3.5 3.5h9v9h-9z",
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  up: "M8 13V3M3.5 7.5L8 3l4.5 4.5",
  build: "M2.5 4h11M2.5 8h7M2.5 12h4M12 9v5M9.5 11.5h5",
  filter: "M2 3h12L9.5 8.5V13l-3 1V8.5z",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
  download: "M8 2.5v8M4.5 7L8 10.5 11.5 7M3 13.5h10",
  load: "M8 10.5v-8M4.5 6L8 2.5 11.5 6M3 13.5h10",
  clear: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.7 9h5.6l.7-9",
  copy: "M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3",
  link: "M6.5 9.5l5-5M8 3.5l1-1a3 3 0 014.5 4.5l-1 1M8 12.5l-1 1A3 3 0 012.5 9l1-1",
  theme: "M8 2a6 6 0 100 12zM8 2a6 6 0 010 12",
  help: "M6 6a2 2 0 113 1.7c-.7.4-1 .8-1 1.6M8 12.2v.1",
  edit: "M3 13l.7-3L11 2.7l2.3 2.3L6 12.3z",
  listen: "M3 8a5 5 0 015-5M3 8a5 5 0 005 5M6 8a2 2 0 114 0 2 2 0 01-4 0M13 8a5 5 0 00-2-4M13 8a5 5 0 01-2 4",
};

/**
 * @param {keyof typeof ICONS} name
 * @returns {SVGSVGElement} for the eye only; what holds it has a name in words
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * @param {string} label
 * @param {() => void} onClick
 * @param {Properties & { icon?: keyof typeof ICONS, quiet?: boolean }} properties quiet: the icon alone is seen
 */
export function button(label, onClick, { icon: name, quiet = false, on, ...others } = {}) {
  const named = quiet ? { "aria-label": label, title: label } : {};
  return h(
    "button",
    { type: "button", ...named, ...others, on: { click: onClick, .../** @type {any} */ (on) } },
    name && icon(name),
    !quiet && h("span", {}, label),
  );
}
