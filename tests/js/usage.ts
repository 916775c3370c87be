// Compiled, never run: what users write against the types.

import type {
  Binding,
  Gap,
  Listening,
  Message,
  State,
} from "../../src/pulse_events/web/static/pulse-events.js";
import {
  listen,
  matches,
  matchesMessage,
  PulseEventsError,
} from "../../src/pulse_events/web/static/pulse-events.js";

interface Task {
  status: { taskId: string };
}

const bindings: readonly Binding[] = [{ exchange: "exchange/a", routingKeyPattern: "#" }];
const listening: Listening<Task> = listen<Task>(bindings, {
  url: new URL("http://localhost/"),
  share: true,
  worker: () => new SharedWorker("worker.js"),
  token: async () => (Math.random() < 0.5 ? "a token" : null),
  signal: AbortSignal.timeout(1000),
  resume: true,
  since: new Date(0),
  last: 10,
  cursor: null,
  onMessage: (message, text, cursor) => [
    message.payload.status.taskId.length,
    text.length,
    cursor?.length,
  ],
  onReady: ({ first, resumed }) => first || resumed,
  onGap: ({ reason, from, to }: Gap) => reason + (from?.length ?? "ever") + to.length,
  onError: (error) => error.permanent && error.status + error.message.length,
  onStale: ({ silentMs, intervalMs }) => silentMs / intervalMs,
  onPing: ({ time }) => Date.parse(time),
  onStatus: ({ broker, reason, since }) => (broker === "lost" ? [reason, since] : null),
  onState: ({ phase, retryAt }: State) => (phase === "waiting" ? retryAt : null),
});

export async function read(): Promise<string[]> {
  const found: string[] = [];
  for await (const message of listening) found.push(message.payload.status.taskId);
  await listening.ready;
  await listening.rebind([...bindings, ...bindings]);
  await listening.closed;
  found.push(listening.cursor ?? "from now on");
  listening.close();
  return found;
}

export function route(message: Message, error: unknown): boolean {
  if (error instanceof PulseEventsError) return error.permanent;
  return matches("a.#", message.routingKey) && matchesMessage(bindings, message);
}

listen(bindings, { share: true, worker: () => new Worker("worker.js"), token: "a token" });
// @ts-expect-error a worker is started, not named, by a function
listen(bindings, { share: true, worker: () => "worker.js" });
// @ts-expect-error a token is a text
listen(bindings, { token: () => 7 });
// @ts-expect-error the pattern is missing
listen([{ exchange: "exchange/a" }]);
// @ts-expect-error the pattern is missing here, too
void listening.rebind([{ exchange: "exchange/a" }]);
// @ts-expect-error there is no such option
listen(bindings, { onMassage: () => {} });
