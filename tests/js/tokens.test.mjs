import assert from "node:assert/strict";
import { test } from "node:test";
import { listen } from "../../src/pulse_events/web/static/pulse-events.js";
import { StreamServer, soon, until } from "./streamserver.mjs";
import { worker } from "./worker.mjs";

const BINDINGS = [{ exchange: "e", routingKeyPattern: "#" }];

function begin(t, server, options) {
  const told = { errors: [] };
  const listening = listen(BINDINGS, {
    url: server.url,
    onError: (error) => told.errors.push(error),
    ...options,
  });
  t.after(() => listening.close());
  return { listening, told };
}

for (const [how, options] of [
  ["alone", {}],
  ["shared", { share: true, worker }],
]) {
  test(`${how}: a token goes in a header, and what it brings into the URL`, async (t) => {
    const server = await StreamServer.start(t);
    const { listening } = begin(t, server, { token: "secret", ...options });
    const stream = await server.next();
    stream.ready();
    await soon(listening.ready, "ready");
    assert.deepEqual(server.authorizations, ["Bearer secret"]);
    assert.deepEqual(server.posted, [BINDINGS]);
    assert.equal(stream.url.searchParams.get("token"), "token-1");
    assert.equal(stream.url.searchParams.get("bindings"), null);
    assert.equal(stream.request.url.includes("secret"), false);
  });

  test(`${how}: a function is asked for each stream`, async (t) => {
    const server = await StreamServer.start(t);
    let count = 0;
    const token = async () => `secret-${++count}`;
    const { listening } = begin(t, server, { token, ...options });
    (await server.next()).ready();
    await soon(listening.ready, "ready");
    server.callers[0].drop();
    (await server.next()).ready();
    assert.deepEqual(server.authorizations, ["Bearer secret-1", "Bearer secret-2"]);
  });

  test(`${how}: a function that gives nothing sends nothing`, async (t) => {
    const server = await StreamServer.start(t);
    const { listening } = begin(t, server, { token: () => null, ...options });
    (await server.next()).ready();
    await soon(listening.ready, "ready");
    assert.deepEqual(server.authorizations, []);
  });

  test(`${how}: a function that fails is told, and asked again`, async (t) => {
    const server = await StreamServer.start(t);
    let count = 0;
    const token = () => {
      if (++count === 1) throw new Error("not logged in");
      return "secret";
    };
    const { listening, told } = begin(t, server, { token, ...options });
    await until(() => told.errors.length, "an error");
    assert.equal(told.errors[0].message, "cannot get a token: not logged in");
    assert.equal(told.errors[0].permanent, false);
    (await server.next()).ready();
    await soon(listening.ready, "ready");
    assert.deepEqual(server.authorizations, ["Bearer secret"]);
  });

  test(`${how}: what no header can hold ends it, with the reason`, async (t) => {
    const server = await StreamServer.start(t);
    for (const token of ["two\r\nlines", "", () => ({})]) {
      const { listening, told } = begin(t, server, { token, ...options });
      await soon(listening.closed, "the end");
      assert.match(told.errors[0].message, /^the token is not a text/);
    }
    assert.deepEqual(server.authorizations, []);
  });
}

for (const [what, answer] of [
  ["no token", "{}"],
  ["a number", '{"token": 7}'],
  ["null", "null"],
  ["no JSON", "<html>"],
]) {
  test(`a server that answers a list with ${what} is not asked again`, async (t) => {
    const server = await StreamServer.start(t);
    server.token = ({ response }) => response.end(answer);
    const { listening, told } = begin(t, server, { token: "secret" });
    await soon(listening.closed, "the end");
    assert.match(
      told.errors[0].message,
      /answered a list of bindings with something that is no to/,
    );
  });
}

test("a token that is neither text nor function is refused at once", () => {
  for (const token of [7, {}, Promise.resolve("secret")]) {
    assert.throws(() => listen(BINDINGS, { url: "http://localhost", token }), {
      name: "TypeError",
      message: "token is a text, or a function that gives one",
    });
  }
});

test("a token that never comes is waited for no longer than a stream", async (t) => {
  const server = await StreamServer.start(t);
  const token = () => new Promise(() => {});
  const { told } = begin(t, server, { token, pingInterval: 0.1 });
  await until(() => told.errors.length, "an error");
  assert.match(told.errors[0].message, /^nothing came for/);
});

test("who has another token has another stream", async (t) => {
  const server = await StreamServer.start(t);
  for (const token of ["a", "b"]) begin(t, server, { share: true, worker, token });
  await until(() => server.callers.length === 2, "two streams");
  assert.deepEqual(server.authorizations.sort(), ["Bearer a", "Bearer b"]);
});

test("the token of a listener that left is another one's to give", async (t) => {
  const server = await StreamServer.start(t);
  const one = begin(t, server, { share: true, worker, token: () => "one" });
  (await server.next()).ready();
  await soon(one.listening.ready, "ready");
  const two = begin(t, server, { share: true, worker, token: () => "two" });
  await soon(two.listening.ready, "ready on the same stream");
  one.listening.close();
  server.callers[0].drop();
  (await server.next()).ready();
  assert.deepEqual(server.authorizations, ["Bearer one", "Bearer two"]);
});
