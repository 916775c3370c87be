// @ts-check
/**
 * The parts of the page that the first view does not need, and so does not wait for: loaded once the
 * stream is ready, or when somebody wants one of them.
 */
export { SnippetTabs } from "./copying.js";
export { Detail } from "./detail.js";
// Nobody takes it from here: so there is one file for what all three share, not one more for what two do.
export { source } from "./early.js";
export { fillSaveMenu, takeFiles } from "./files-menu.js";
export { useKeys } from "./keys.js";
export { Offline } from "./offline.js";
