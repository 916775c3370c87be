import assert from "node:assert/strict";
import { test } from "node:test";
import { Draft } from "../../src/pulse_events/web/static/inspector/draft.js";

const binding = (exchange) => ({ exchange, routingKeyPattern: "#" });

/** As a browser's, for one tab. */
function storage(held = new Map()) {
  return {
    getItem: (key) => held.get(key) ?? null,
    setItem: (key, text) => held.set(key, text),
    removeItem: (key) => held.delete(key),
  };
}

test("what was edited is there for the next page, of the same bindings", () => {
  const tab = storage();
  new Draft(() => tab).keep([binding("b")], [binding("a")]);
  const draft = new Draft(() => tab);
  assert.deepEqual(draft.of([binding("a")]), [binding("b")]);
  assert.equal(draft.of([binding("c")]), null);
  draft.keep([binding("a")], [binding("a")]); // taken back
  assert.equal(new Draft(() => tab).of([binding("a")]), null);
});

test("a storage that is refused, or holds something else, is as if nothing had been edited", () => {
  const refused = () => {
    throw new DOMException("", "SecurityError");
  };
  const draft = new Draft(refused);
  draft.keep([binding("b")], []);
  assert.equal(draft.of([]), null);
  for (const text of ["{", "null", "5", '{"applied":[]}', '{"applied":[],"edited":{}}']) {
    assert.equal(new Draft(() => storage(new Map([["pulse-events.draft", text]]))).of([]), null);
  }
  const odd = storage(
    new Map([["pulse-events.draft", '{"applied":[],"edited":[null,{"exchange":5}]}']]),
  );
  assert.deepEqual(new Draft(() => odd).of([]), [
    { exchange: "", routingKeyPattern: "" },
    { exchange: "5", routingKeyPattern: "" },
  ]);
});
