// The manner of the original: every client gets an AMQP queue of its own, and every message is
// taken, parsed and formatted once for each client.  Same interface as the server's stream.
//
//   node queue-per-client.mjs --broker URL [--port 0] [--ping-interval S]

import http from "node:http";
import { parseArgs } from "node:util";
import amqp from "amqplib";

const { values } = parseArgs({
  options: {
    broker: { type: "string" },
    port: { type: "string", default: "0" },
    "ping-interval": { type: "string", default: "20" },
  },
});
const connection = await amqp.connect(values.broker);

function send(response, kind, data) {
  response.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\nid: -\n\n`);
}

function toEvent(message) {
  const { exchange, routingKey, redelivered } = message.fields;
  const cc = message.properties.headers?.CC ?? [];
  const routes = cc.filter((key) => key.startsWith("route.")).map((key) => key.slice(6));
  return { payload: JSON.parse(message.content), exchange, routingKey, redelivered, routes, cc };
}

async function listen(bindings, response) {
  const channel = await connection.createChannel();
  channel.on("error", (error) => response.end(`event: error\ndata: "${error.message}"\n\n`));
  await channel.prefetch(5);
  const { queue } = await channel.assertQueue("", { exclusive: true, autoDelete: true });
  for (const { exchange, routingKeyPattern } of bindings) {
    await channel.bindQueue(queue, exchange, routingKeyPattern);
  }
  await channel.consume(queue, (message) => {
    send(response, "message", toEvent(message));
    channel.ack(message);
  });
  return channel;
}

const server = http.createServer(async (request, response) => {
  const query = new URL(request.url, "http://localhost").searchParams;
  response.writeHead(200, { "content-type": "text/event-stream", connection: "close" });
  const interval = Number(values["ping-interval"]) * 1000;
  const pings = setInterval(() => send(response, "ping", { time: new Date() }), interval);
  response.on("close", () => clearInterval(pings));
  const channel = await listen(JSON.parse(query.get("bindings")).bindings, response);
  response.on("close", () => channel.close().catch(() => {}));
  send(response, "ready", {});
});
server.listen({ port: Number(values.port), host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
