/** The worker's part in the test's own process, where Node has neither SharedWorker nor Worker. */

import { serve } from "../../src/pulse_events/web/static/client/port.js";
import { Switchboard } from "../../src/pulse_events/web/static/client/switchboard.js";

/** For the option `worker`. */
export function worker() {
  const { port1, port2 } = new MessageChannel();
  serve(port2, new Switchboard());
  return Object.assign(new EventTarget(), { port: port1 });
}
