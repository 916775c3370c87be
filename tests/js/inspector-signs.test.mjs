import assert from "node:assert/strict";
import { test } from "node:test";
import { inLine, visible } from "../../src/pulse_events/web/static/inspector/signs.js";

test("what turns text around or does not show has a sign", () => {
  const signs = {
    "user.\u202Etxt.exe": "user.‹U+202E›txt.exe",
    "\u2066a\u2069": "‹U+2066›a‹U+2069›",
    "a\u200Bb\u200Cc\u200Dd": "a‹U+200B›b‹U+200C›c‹U+200D›d",
    "\uFEFFx\u00ADy": "‹U+FEFF›x‹U+00AD›y",
    "\u3164\u115F\u2800": "‹U+3164›‹U+115F›‹U+2800›",
    "\u{E0041}\u{E0100}": "‹U+E0041›‹U+E0100›",
    "a\uFE0F": "a‹U+FE0F›",
    "\u2028\u0085\u007F": "‹U+2028›‹U+0085›‹U+007F›",
    "\0\t\r": "␀␉␍",
  };
  for (const [text, shown] of Object.entries(signs)) assert.equal(visible(text), shown);
});

test("what shows stays as it is", () => {
  for (const text of [
    "plain",
    "é ü 漢字 שלום مرحبا",
    "👩\u200D💻 ❤\uFE0F 👍🏽 1\uFE0F\u20E3",
    "a b\n",
  ]) {
    assert.equal(visible(text), text);
  }
  assert.equal(inLine("a\nb\u200B"), "a␊b‹U+200B›");
});
