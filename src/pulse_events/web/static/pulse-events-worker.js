// @ts-check
/**
 * The SharedWorker behind `share: true`: one switchboard for all tabs of the origin.
 */
import { serve } from "./client/port.js";
import { Switchboard } from "./client/switchboard.js";

const switchboard = new Switchboard();
addEventListener("connect", (event) => {
  serve(/** @type {MessageEvent} */ (event).ports[0], switchboard);
});
addEventListener("online", () => switchboard.wake());
