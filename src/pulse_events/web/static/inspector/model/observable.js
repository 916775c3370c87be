// @ts-check
/** A value whose changes are told. */

/** @template {object} T */
export class Observable {
  #value;
  /** @type {((value: T, before: T) => void)[]} */
  #observers = [];

  /** @param {T} value */
  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  /** @param {Partial<T>} changes */
  change(changes) {
    const before = this.#value;
    this.#value = { ...before, ...changes };
    for (const observer of this.#observers) observer(this.#value, before);
  }

  /** @param {(value: T, before: T) => void} observer */
  observe(observer) {
    this.#observers.push(observer);
  }
}
