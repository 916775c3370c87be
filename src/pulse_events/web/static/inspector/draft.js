// @ts-check
/**
 * Bindings that were edited and not applied, over a reload of this tab.
 */

/** @import { Binding } from "../pulse-events.d.ts" */

const KEY = "pulse-events.draft";

export class Draft {
  #storage;
  /** What the page before this one left. @type {{ edited: unknown, applied: unknown } | null} */
  #left;

  /** @param {() => Pick<Storage, "getItem" | "setItem" | "removeItem">} storage which may be refused */
  constructor(storage = () => sessionStorage) {
    this.#storage = storage;
    this.#left = this.#try((kept) => JSON.parse(kept.getItem(KEY) ?? "null"));
  }

  /**
   * Keeps what is edited until it is what is applied.
   * @param {readonly Binding[]} edited
   * @param {readonly Binding[]} applied
   */
  keep(edited, applied) {
    const isKept = JSON.stringify(edited) !== JSON.stringify(applied);
    this.#try((storage) => {
      if (isKept) storage.setItem(KEY, JSON.stringify({ edited, applied }));
      else storage.removeItem(KEY);
    });
  }

  /**
   * @param {readonly Binding[]} applied
   * @returns {Binding[] | null} what these were edited to before the page was loaded
   */
  of(applied) {
    const edited = this.#left?.edited;
    const isOfThese = JSON.stringify(this.#left?.applied) === JSON.stringify(applied);
    return isOfThese && Array.isArray(edited) ? edited.map(checked) : null;
  }

  /**
   * @template T
   * @param {(storage: Pick<Storage, "getItem" | "setItem" | "removeItem">) => T} use
   * @returns {T | null}
   */
  #try(use) {
    try {
      return use(this.#storage());
    } catch {
      return null; // refused, or full, or not ours: it is as if nothing had been edited
    }
  }
}

/**
 * @param {any} binding
 * @returns {Binding}
 */
const checked = (binding) => ({
  exchange: String(binding?.exchange ?? ""),
  routingKeyPattern: String(binding?.routingKeyPattern ?? ""),
});
