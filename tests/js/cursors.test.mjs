import assert from "node:assert/strict";
import { test } from "node:test";
import { isBehind } from "../../src/pulse_events/web/static/client/cursors.js";

const A = "1mAAAAAAAAAAA";

for (const [older, newer] of [
  [`${A}9`, `${A}a`],
  [`${A}ff`, `${A}100`],
  ["1s9_0123abcd", "1sa-00000000"],
  ["1sa-ffffffff", "1sa_00000000"],
  ["1sfffffffffffffffe_00000000", "1sffffffffffffffff_00000000"],
]) {
  test(`${older} is behind ${newer}`, () => {
    assert.deepEqual([isBehind(older, newer), isBehind(newer, older)], [true, false]);
    assert.equal(isBehind(older, older), false);
  });
}

for (const [one, other] of [
  [`${A}1`, "1mBBBBBBBBBBB2"],
  [`${A}1`, "1s2_00000000"],
  ["1x1", "1x2"],
  ["", "-"],
  [`${A}1`, null],
]) {
  test(`of ${one} and ${other} nothing is known`, () => {
    assert.equal(isBehind(one, other), false);
    if (other !== null) assert.equal(isBehind(other, one), false);
  });
}
