// @ts-check
/**
 * The worker behind `share: true`: one switchboard for all tabs of the origin, or, as a `Worker`, for
 * one tab.  `make browser` builds `pulse-events-worker.js` from it: a file that imports nothing.
 */
import { serve } from "./port.js";
import { holdLock } from "./presence.js";
import { Switchboard } from "./switchboard.js";

const switchboard = new Switchboard();

if ("onconnect" in globalThis) {
  const holding = holdLock();
  addEventListener("connect", (event) => {
    const [port] = /** @type {MessageEvent} */ (event).ports;
    void holding.then((lock) => serve(port, switchboard, lock));
  });
} else {
  // At once: unlike a port, this keeps no message for later.  It ends with its page, without a lock.
  serve(/** @type {any} */ (globalThis), switchboard);
}
addEventListener("online", () => switchboard.wake());
