// @ts-check
/**
 * Many buttons as one stop of the Tab key, with the arrows between them.
 */

/** The arrows as steps: sideways within a line, up and down between lines. */
const STEPS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

/**
 * @template {HTMLElement} Part
 * @param {Part} part whose buttons are there already
 * @param {string} line selects what holds the buttons that stand beside each other
 * @returns {Part}
 */
export function withOneStop(part, line) {
  const lines = [...part.querySelectorAll(line)]
    .map((each) => [...each.querySelectorAll("button")])
    .filter(({ length }) => length);
  const buttons = lines.flat();
  buttons.forEach((each, i) => (each.tabIndex = i ? -1 : 0));
  part.addEventListener("focusin", ({ target }) => {
    if (!buttons.includes(/** @type {HTMLButtonElement} */ (target))) return;
    for (const each of buttons) each.tabIndex = each === target ? 0 : -1;
  });
  part.addEventListener("keydown", (event) => {
    const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
    const y = lines.findIndex((each) => each.some((one) => one === event.target));
    if (!step || y < 0) return;
    const x = lines[y].indexOf(/** @type {HTMLButtonElement} */ (event.target));
    event.preventDefault();
    lines[y + step[1]]?.[x + step[0]]?.focus();
  });
  return part;
}
