// @ts-check
/**
 * Puts the page together: what comes goes to the log, what is chosen goes to the URL and back.
 */
import { known, opening, source } from "./early.js";
import { Inspector } from "./inspector.js";
import { Lag } from "./lag.js";
import { tellServer } from "./server.js";
import { ServerClock } from "./server-clock.js";

/** @import { Config } from "./server.js" */

/** @returns {Promise<Config>} nothing if the server does not answer: the stream says that it is away */
async function askConfig() {
  try {
    const response = await fetch("events/v1/config", { cache: "no-store" });
    if (response.ok) return await response.json();
  } catch {
    // as if it had answered anything else
  }
  return {};
}

const { catalogue, config } = known;
const clock = new ServerClock(askConfig);
const lag = new Lag(clock, (config.pingInterval ?? 20) * 1000);

tellServer(config);
new Inspector(catalogue, config, { source, opening, lag, clock }).start();
void clock.measure();
