// @ts-check
/**
 * The banner that says that the page shows a file, and leads back.
 */
import { tally } from "./counts.js";
import { button, byId, element } from "./dom.js";

/** @import { Fault } from "./files.js" */
/** @import { Arrival } from "./log.js" */

const FAULTS_SHOWN = 3;

export class Offline {
  #banner = byId("banner");
  #onLeave;

  /** @param {() => void} onLeave */
  constructor(onLeave) {
    this.#onLeave = onLeave;
  }

  /**
   * @param {string} name of the file
   * @param {Arrival[]} arrivals what was read
   * @param {Fault[]} faults
   */
  open(name, arrivals, faults) {
    const lines = faults
      .slice(0, FAULTS_SHOWN)
      .map(({ line, message }) => element("li", {}, `line ${line}: ${message}`));
    const left = faults.length - lines.length;
    if (left > 0) lines.push(element("li", {}, `and ${left.toLocaleString("en")} more`));
    const words = `You look at ${name}: ${tally(arrivals)}. The stream is stopped.`;
    this.#banner.replaceChildren(
      element("p", {}, words),
      button("Back to live", () => this.#leave(), { class: "main" }),
      lines.length
        ? element("div", { class: "fault" }, "Not read:", element("ul", {}, ...lines))
        : "",
    );
    this.#banner.hidden = false;
  }

  close() {
    this.#banner.hidden = true;
  }

  #leave() {
    this.close();
    this.#onLeave();
  }
}
