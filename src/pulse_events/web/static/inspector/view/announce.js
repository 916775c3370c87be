// @ts-check
/** Short messages that come and go, read out as well. */
import { byId, setText } from "./dom.js";

const SHOWN_MS = 4000;
let timer = 0;

/** @param {string} text */
export function say(text) {
  const toast = byId("toast");
  setText(toast, text);
  toast.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => {
    toast.classList.remove("shown");
    toast.textContent = "";
  }, SHOWN_MS);
}
