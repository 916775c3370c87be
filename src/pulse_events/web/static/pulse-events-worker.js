// @ts-check
/**
 * The SharedWorker behind `share: true`: one switchboard for all tabs of the origin.
 */
import { serve } from "./client/port.js";
import { holdLock } from "./client/presence.js";
import { Switchboard } from "./client/switchboard.js";

const switchboard = new Switchboard();
const holding = holdLock();
addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  void holding.then((lock) => serve(port, switchboard, lock));
});
addEventListener("online", () => switchboard.wake());
