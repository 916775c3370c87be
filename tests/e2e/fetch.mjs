// Opens a URL with Node's own fetch and prints one JSON line for the head and for each event.

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const response = await fetch(process.argv[2]);
say({ what: "answer", encoding: response.headers.get("content-encoding") });
let unread = "";
try {
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (unread + text).split("\n\n");
    unread = events.pop();
    for (const event of events) {
      const [kind, data] = event.split("\n");
      say({ what: kind.slice("event: ".length), value: JSON.parse(data.slice("data: ".length)) });
    }
  }
} catch (error) {
  // Node 18 misses gzip's trailer at the end of the body and says so; Node 20 takes what there is.
  if (error.cause?.code !== "Z_BUF_ERROR") throw error;
}
say({ what: "end", unread });
