// @ts-check
/**
 * A message's payload in the detail pane: as a tree, or raw as the server sent it.
 */
import { copyButton } from "./copying.js";
import { button, element, say, set } from "./dom.js";
import { exactPayload } from "./exact.js";
import { payloadText } from "./rawjson.js";
import { visible } from "./signs.js";
import { sizeOf } from "./times.js";
import { Tree } from "./tree.js";

/** @import { Entry } from "./log.js" */
/** @import { ActionsFor } from "./tree.js" */

const RAW_LIMIT = 20_000;

/** Which way was chosen last, for the next message too. */
let isRaw = false;

/**
 * @param {Entry} entry
 * @param {ActionsFor} actionsFor
 * @returns {HTMLElement}
 */
export function payloadSection(entry, actionsFor) {
  const place = element("div", { class: "payload-body" });
  /** @type {Tree | null} */
  let tree = null;
  const expand = button("Open all", () => {
    if (tree && !tree.openAll()) say(expand, "Open more");
  });
  set(expand, { class: "quiet" });
  const size = element("span", { class: "muted" });
  const choices = [false, true].map((raw) =>
    button(raw ? "Raw" : "Tree", () => show(raw), { class: "choice" }),
  );
  /** @param {boolean} raw */
  const show = (raw) => {
    isRaw = raw;
    choices.forEach((choice, i) => set(choice, { "aria-pressed": (i === 1) === raw }));
    const isThere = !entry.message.omitted; // its `null` is no payload
    tree = raw || !isThere ? null : new Tree(exactPayload(entry), { path: "payload", actionsFor });
    expand.hidden = tree === null;
    const text = raw ? entry.text : payloadText(entry.text);
    say(size, isThere ? sizeOf(new Blob([text]).size) : "");
    place.replaceChildren(tree?.element ?? (raw ? rawText(entry.text) : ""));
  };
  show(isRaw);
  const head = element(
    "div",
    { class: "section-head" },
    element("h3", {}, "Payload"),
    size,
    element("span", { class: "space" }),
    expand,
    element("span", { class: "choices", role: "group", "aria-label": "Show it as" }, ...choices),
    copyButton("Copy", () => (isRaw ? entry.text : payloadText(entry.text))),
  );
  return element("section", { class: "payload" }, head, remark(entry), place);
}

/** @param {Entry} entry */
function remark({ message }) {
  const { omitted, payloadEncoding } = message;
  if (omitted) return element("p", { class: "note" }, `The server left it out: ${omitted}`);
  if (payloadEncoding) return element("p", { class: "note" }, "It is no text: this is its base64.");
  return null;
}

/** @param {string} text */
function rawText(text) {
  const pre = element("pre", { class: "raw", tabindex: 0, "aria-label": "Message as sent" });
  pre.append(visible(text.slice(0, RAW_LIMIT)));
  if (text.length <= RAW_LIMIT) return pre;
  const all = button(`Show all (${sizeOf(new Blob([text]).size)})`, () => {
    all.remove();
    for (let at = RAW_LIMIT; at < text.length; at += RAW_LIMIT) {
      // Parts that are out of sight need no layout.
      pre.append(element("span", { class: "part" }, text.slice(at, at + RAW_LIMIT)));
    }
  });
  set(all, { class: "quiet more" });
  return element("div", {}, pre, all);
}
