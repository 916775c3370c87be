// @ts-check
/**
 * The keys of the whole page, and the dialog that lists them.
 */
import { button, byId, element } from "./dom.js";

/** @typedef {Record<string, () => void>} Actions by key */

/** @type {[string, [string, string][]][]} */
const LIST = [
  [
    "Anywhere",
    [
      ["/", "go to the filter"],
      ["b", "go to the bindings"],
      ["t", "go to the table"],
      ["p", "pause, go on"],
      ["g", "back to the newest"],
      ["?", "this list"],
    ],
  ],
  [
    "In the table",
    [
      ["↑ ↓", "one message up, down"],
      ["Page Up, Page Down", "one page"],
      ["Home, End", "newest, oldest"],
      ["← →", "another cell"],
      ["Enter", "open the message"],
      ["f", "only with this cell's value"],
      ["x", "without this cell's value"],
      ["Escape", "close it; once more: back to the newest"],
    ],
  ],
  [
    "Words of the filter",
    [
      ["word", "must be there"],
      ["-word", "must not be there"],
      ['"two words"', "stay together"],
      ["field:word", "is in this field"],
      ["field:=word", "is all of this field"],
    ],
  ],
  ["In an open message", [["arrows", "from = and ≠ to those of other values"]]],
  [
    "In a payload",
    [
      ["↑ ↓", "another line"],
      ["→ ←", "unfold, fold or go out"],
    ],
  ],
  [
    "In the bindings and the filter",
    [
      ["Enter", "apply"],
      ["Escape", "empty the filter; once more: leave it"],
    ],
  ],
];

/** @param {Actions} actions */
export function useKeys(actions) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys"));
  dialog.replaceChildren(
    element(
      "div",
      { class: "section-head" },
      element("h2", { id: "keys-title" }, "Keys"),
      element("span", { class: "space" }),
      button("×", () => dialog.close(), { class: "quiet", "aria-label": "Close" }),
    ),
    element("div", { class: "keys-list" }, ...LIST.map(([title, keys]) => section(title, keys))),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  byId("show-keys").addEventListener("click", () => dialog.showModal());
  /** @type {Actions} */
  const all = { ...actions, "?": () => dialog.showModal() };
  addEventListener("keydown", (event) => {
    const isElsewhere = event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented;
    const isCovered = dialog.open || document.querySelector(":popover-open") !== null;
    if (isElsewhere || isCovered || isTyping(event.target)) return;
    const action = Object.hasOwn(all, event.key) ? all[event.key] : null;
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/**
 * @param {string} title
 * @param {[string, string][]} keys
 */
function section(title, keys) {
  const pairs = keys.flatMap(([key, meaning]) => [
    element("dt", {}, element("kbd", {}, key)),
    element("dd", {}, meaning),
  ]);
  return element("section", {}, element("h3", {}, title), element("dl", {}, ...pairs));
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.matches("input:not([type=checkbox]), textarea, select");
}
