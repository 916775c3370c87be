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
  /** Whether a file is looked at. */
  #isOpen = false;
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
    const words = `You look at ${name}: ${tally(arrivals)}. The stream is stopped.`;
    const back = button("Back to live", () => this.#leave(), { class: "main" });
    this.#show(words, back, faults);
    this.#isOpen = true;
  }

  /**
   * Says that there is nothing to look at; what was looked at stays.
   * @param {string} name of the file
   * @param {Fault[]} faults
   */
  refuse(name, faults) {
    const words = `${name} holds no messages: neither JSON lines, nor a JSON array, nor CSV of them.`;
    const close = button("Close", () => this.#closeRefusal());
    if (!this.#isOpen) return this.#show(words, close, faults);
    const refusal = element("div", { class: "fault" }, words);
    this.#banner.querySelector(".fault")?.remove();
    this.#banner.append(refusal);
  }

  close() {
    this.#isOpen = false;
    this.#banner.hidden = true;
  }

  #closeRefusal() {
    this.close();
    byId("load").focus();
  }

  /**
   * @param {string} words
   * @param {HTMLElement} action
   * @param {Fault[]} faults
   */
  #show(words, action, faults) {
    const lines = faults
      .slice(0, FAULTS_SHOWN)
      .map(({ line, message }) => element("li", {}, line ? `line ${line}: ${message}` : message));
    const left = faults.length - lines.length;
    if (left > 0) lines.push(element("li", {}, `and ${left.toLocaleString("en")} more`));
    const list = lines.length
      ? element("div", { class: "fault" }, "Not read:", element("ul", {}, ...lines))
      : "";
    this.#banner.replaceChildren(element("p", {}, words), action, list);
    this.#banner.hidden = false;
  }

  #leave() {
    this.close();
    this.#onLeave();
  }
}
