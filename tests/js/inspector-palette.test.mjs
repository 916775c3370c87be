import assert from "node:assert/strict";
import { test } from "node:test";

import { Palette } from "../../src/pulse_events/web/static/inspector/palette.js";

const OTHER = "hue-other";
const names = (prefix, count) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const coloursOf = (palette, exchanges) => exchanges.map((each) => palette.classOf(each));

/** Of the exchanges these are looked at, or at least kept. */
const release = (palette, looked, kept = looked) =>
  palette.release(
    () => new Set(looked),
    () => new Set(kept),
  );

function seen(palette, exchanges, times = 1) {
  for (let i = 0; i < times; i += 1) for (const each of exchanges) palette.see(each);
}

test("what came most often has a colour, whatever came or is asked for first", () => {
  const palette = new Palette();
  const [rare, often] = [names("rare", 30), names("often", 8)];
  seen(palette, rare);
  seen(palette, often, 2);
  assert.deepEqual(coloursOf(palette, rare), rare.fill(OTHER));
  const colours = coloursOf(palette, often);
  assert.equal(new Set(colours).size, 8);
  assert.ok(!colours.includes(OTHER));
});

test("what is shown has a colour if one is left, though none of it was counted", () => {
  const palette = new Palette();
  const shown = names("shown", 9);
  seen(palette, shown);
  coloursOf(palette, shown);
  release(palette, [], []); // all was cleared
  assert.notEqual(palette.classOf(shown[8]), OTHER); // and brought back
});

test("what has a colour keeps it when others come more often", () => {
  const palette = new Palette();
  const [first, later] = [names("first", 8), names("later", 8)];
  seen(palette, first);
  const before = coloursOf(palette, first);
  seen(palette, later, 9);
  assert.deepEqual(coloursOf(palette, later), later.fill(OTHER));
  release(palette, [...first, ...later]);
  assert.deepEqual(coloursOf(palette, first), before);
});

test("red is for failures, however late they come", () => {
  const palette = new Palette();
  const [others, red] = [names("other", 20), "hue-3"];
  seen(palette, others, 9);
  assert.ok(!coloursOf(palette, others).includes(red));
  palette.see("task-failed");
  assert.equal(palette.classOf("task-failed"), red);
});

test("what is bound and has not come has no colour", () => {
  const palette = new Palette();
  assert.equal(palette.knownClassOf("bound"), "");
});

test("what is out of sight gives its colour to what lacks one, and to nothing else", () => {
  let changes = 0;
  const palette = new Palette(() => (changes += 1));
  const [gone, here] = [names("gone", 8), names("here", 8)];
  seen(palette, gone, 9);
  const before = coloursOf(palette, gone);
  palette.release(assert.fail, assert.fail); // nothing lacks a colour
  seen(palette, here);
  assert.deepEqual(coloursOf(palette, here), [...here].fill(OTHER));
  release(palette, [...here, gone[0]]);
  assert.equal(palette.classOf(gone[0]), before[0]);
  const colours = coloursOf(palette, here);
  assert.equal(new Set([...colours, before[0]]).size, 9); // one of the nine lacks one
  assert.equal(colours.filter((each) => each === OTHER).length, 1);
  assert.equal(palette.knownClassOf(gone[1]), "");
  assert.equal(changes, 3); // given, taken back, given
});

test("what nobody looks at gives its colour to what comes more often, not to what is rarer", () => {
  const palette = new Palette();
  const [first, later] = [names("first", 8), names("later", 8)];
  seen(palette, first, 2);
  const before = coloursOf(palette, first);
  seen(palette, later);
  assert.equal(palette.classOf(later[0]), OTHER);
  release(palette, later, [...first, ...later]);
  assert.deepEqual(coloursOf(palette, first), before);
  seen(palette, [later[0]], 2);
  assert.equal(palette.classOf(later[0]), OTHER);
  release(palette, [...later, first[0]], [...first, ...later]);
  assert.notEqual(palette.classOf(later[0]), OTHER);
  assert.equal(palette.classOf(first[0]), before[0]);
});

test("it remembers no end of names, and those that are seen now all the same", () => {
  const palette = new Palette();
  seen(palette, names("random", 1000), 2);
  coloursOf(palette, names("random", 1000));
  palette.see("new");
  release(palette, ["new"]);
  palette.see("new");
  assert.notEqual(palette.classOf("new"), OTHER);
});
