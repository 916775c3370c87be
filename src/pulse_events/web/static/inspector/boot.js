// @ts-check
/**
 * What the browser runs first: it begins the stream, and waits for the rest of the page.
 */
import { byId, say } from "./dom.js";
import { opening } from "./early.js";

try {
  await import("./main.js");
} catch (error) {
  opening.end();
  byId("state").dataset.phase = "refused";
  say(byId("phase"), "not loaded");
  say(byId("reason"), "part of this page is missing: reload it");
  throw error;
}
