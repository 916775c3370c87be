// @ts-check
/**
 * The menu that chooses the table's columns.
 */

import { columnOf, fixedColumns, USUAL_COLUMNS } from "./columns.js";
import { button, byId, element } from "./dom.js";

/**
 * @typedef {object} Surroundings
 * @property {() => string[]} chosen in their order
 * @property {() => string[]} fields named words that the exchanges listened to have
 * @property {(names: string[]) => void} onChoose
 */

/** @param {Surroundings} surroundings */
export function fillColumnsMenu(surroundings) {
  const menu = byId("columns");
  menu.addEventListener("beforetoggle", () => fill(menu, surroundings));
}

/**
 * @param {HTMLElement} menu
 * @param {Surroundings} surroundings
 */
function fill(menu, surroundings) {
  const { chosen, fields, onChoose } = surroundings;
  const now = chosen();
  const fixed = fixedColumns().map(({ name }) => name);
  const others = now.filter((name) => !fixed.includes(name) && !fields().includes(name));
  menu.replaceChildren(
    group("Of every message", fixed, surroundings),
    group("Words of the routing key", fields(), surroundings),
    group("Of the payload", others, surroundings),
    adder((name) => {
      onChoose([...chosen().filter((each) => each !== name), name]);
      fill(menu, surroundings);
    }),
    button("The usual columns", () => {
      onChoose(USUAL_COLUMNS);
      fill(menu, surroundings);
    }),
  );
}

/**
 * @param {string} title
 * @param {string[]} names
 * @param {Surroundings} surroundings
 */
function group(title, names, { chosen, onChoose }) {
  if (!names.length) return "";
  const boxes = names.map((name) => {
    const checked = chosen().includes(name);
    const box = element("input", { type: "checkbox", checked, name, onchange: () => toggle() });
    const toggle = () => {
      const rest = chosen().filter((each) => each !== name);
      // One must stay.
      if (!box.checked && !rest.length) box.checked = true;
      else onChoose(box.checked ? [...rest, name] : rest);
    };
    return element("label", {}, box, columnOf(name).title);
  });
  return element("fieldset", {}, element("legend", {}, title), ...boxes);
}

/** @param {(name: string) => void} onAdd */
function adder(onAdd) {
  const input = element("input", {
    placeholder: "status.state",
    "aria-label": "Path into the payload",
    spellcheck: "false",
    autocapitalize: "off",
  });
  const add = (/** @type {Event} */ event) => {
    event.preventDefault();
    const path = input.value.trim().replace(/^payload\./, "");
    if (path) onAdd(`payload.${path}`);
  };
  return element(
    "form",
    { class: "line", onsubmit: add },
    input,
    element("button", { type: "submit" }, "Add"),
  );
}
