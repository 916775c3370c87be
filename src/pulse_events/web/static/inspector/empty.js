// @ts-check
/**
 * What stands where no message is: what to do, or what is waited for.
 */

import { shortName } from "./columns.js";
import { button, byId, element } from "./dom.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Catalogue } from "./catalogue.js" */

const EXAMPLES = [
  ["Tasks that fail", ["taskFailed", "taskException"]],
  ["Tasks that start and end", ["taskPending", "taskRunning", "taskCompleted", "taskFailed"]],
  ["Groups that are done", ["taskGroupResolved"]],
  ["New artifacts", ["artifactCreated"]],
  ["Workers", ["workerRequested", "workerRunning", "workerStopped"]],
  ["Pull requests and pushes", ["pullRequest", "push"]],
];

/**
 * @param {{
 *   catalogue: Catalogue, isWaiting: boolean, isFile: boolean, isFiltered: boolean,
 *   isCleared: boolean,
 *   onTry: (bindings: Binding[]) => void, onUnfilter: () => void,
 * }} situation
 */
export function emptyPage({
  catalogue,
  isWaiting,
  isFile,
  isFiltered,
  isCleared,
  onTry,
  onUnfilter,
}) {
  const place = byId("empty");
  if (isFiltered) {
    const words = element("p", {}, "Nothing that came passes the filter.");
    place.replaceChildren(words, button("Clear the filter", onUnfilter));
    return;
  }
  if (isWaiting || isFile) {
    const live = isCleared ? "Nothing has come since." : "Nothing has come yet.";
    const words = isFile ? "No message of the file is left here." : live;
    place.replaceChildren(element("p", {}, words));
    return;
  }
  const examples = EXAMPLES.map(([label, events]) => {
    const bindings = catalogue
      .all()
      .filter(({ event }) => events.includes(event))
      .map(({ exchange }) => ({ exchange, routingKeyPattern: "#" }));
    const title = bindings.map(({ exchange }) => shortName(exchange)).join(", ");
    return bindings.length ? button(String(label), () => onTry(bindings), { title }) : "";
  });
  place.replaceChildren(
    element("p", {}, "Name an exchange and a pattern under Bindings, and press Enter."),
    element("p", {}, "Messages appear here while they are published. For example:"),
    element("p", { class: "examples" }, ...examples),
  );
}
