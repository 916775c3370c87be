// Opens a URL with npm's EventSource and prints one JSON line for each thing that happens.
// Ends when the EventSource gives up, which a browser's does in the same cases.

import { EventSource } from "eventsource";

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const source = new EventSource(process.argv[2], {
  fetch: async (input, init) => {
    const response = await fetch(input, init);
    say({ what: "answer", status: response.status, lastEventId: init.headers["Last-Event-ID"] });
    return response;
  },
});

for (const kind of ["ready", "message", "gap", "ping"]) {
  source.addEventListener(kind, (event) =>
    say({ what: kind, value: JSON.parse(event.data), id: event.lastEventId }),
  );
}

source.addEventListener("error", (event) => {
  if (event.data !== undefined) {
    say({ what: "error", value: JSON.parse(event.data), id: event.lastEventId });
  } else if (source.readyState === EventSource.CLOSED) {
    say({ what: "closed", status: event.code });
    process.exit(0);
  } else {
    say({ what: "reconnecting" });
  }
});
