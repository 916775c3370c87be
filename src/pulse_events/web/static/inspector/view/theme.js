// @ts-check
/** Light, dark, or as the system has it; remembered by the browser. */
import { button } from "./dom.js";

const KEY = "pulse-events.theme";
const NEXT = /** @type {const} */ ({ system: "light", light: "dark", dark: "system" });

/** @typedef {keyof typeof NEXT} Theme */

/** @returns {Theme} */
function remembered() {
  const theme = localStorage.getItem(KEY);
  return theme === "light" || theme === "dark" ? theme : "system";
}

/** @param {() => void} onChange */
export function themeButton(onChange) {
  let theme = remembered();
  const change = () => {
    theme = NEXT[theme];
    localStorage.setItem(KEY, theme);
    apply();
  };
  const element = button("Theme", change, { icon: "theme", quiet: true, class: "quiet" });
  const apply = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    element.setAttribute("aria-label", `Theme: ${theme}`);
    element.title = `Theme: ${theme}`;
    onChange();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
  apply();
  return element;
}
