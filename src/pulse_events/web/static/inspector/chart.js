// @ts-check
/**
 * Rates over time per exchange: stacked areas, and the same as a table that is legend and text.
 */

import { shortName } from "./columns.js";
import { countOf } from "./counts.js";
import { button, byId, drawing, element, say, set } from "./dom.js";
import { termOf } from "./filter.js";
import { RECENT_S } from "./rates.js";

/** @import { Palette } from "./palette.js" */
/** @import { Rates, Series } from "./rates.js" */

const HEIGHT = 100;
/** The second that is under way would always show too little. */
const UNDER_WAY_MS = 1000;

export class Chart {
  #svg = drawing("svg", { role: "img", "aria-label": "Rates", preserveAspectRatio: "none" });
  #top = element("span", { class: "top-label", "aria-hidden": "true" });
  #body = element("tbody");
  /** @type {Map<string, HTMLTableRowElement>} */
  #lines = new Map();
  #rates;
  #palette;
  #onFilter;

  /**
   * @param {Rates} rates
   * @param {Palette} palette
   * @param {(term: string) => void} onFilter
   */
  constructor(rates, palette, onFilter) {
    this.#rates = rates;
    this.#palette = palette;
    this.#onFilter = onFilter;
    set(this.#svg, { viewBox: `0 0 ${rates.spanS - 1} ${HEIGHT}` });
    byId("chart").replaceChildren(
      element(
        "figure",
        {},
        this.#top,
        this.#svg,
        element(
          "figcaption",
          { "aria-hidden": "true" },
          element("span", {}, `${rates.spanS} s ago`),
          element("span", {}, "now"),
        ),
      ),
      this.#table(),
    );
  }

  #table() {
    return element(
      "table",
      { class: "legend" },
      element("caption", { class: "heard" }, `Messages of the last ${this.#rates.spanS} seconds`),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col" }, "Exchange"),
          element("th", { scope: "col", title: `mean of the last ${RECENT_S} s` }, "per s"),
          element("th", { scope: "col" }, `in ${this.#rates.spanS / 60} min`),
        ),
      ),
      this.#body,
    );
  }

  /** @returns {Iterable<string>} that have a line of their own */
  get exchanges() {
    return this.#lines.keys();
  }

  /** @param {number} nowMs */
  draw(nowMs) {
    const untilMs = nowMs - UNDER_WAY_MS;
    const series = this.#rates.series(untilMs);
    const sums = sumsOf(series, this.#rates.spanS);
    const top = roundUp(Math.max(...sums.map((values) => Math.max(...values)), 1));
    this.#svg.replaceChildren(this.#grid(), ...this.#areas(series, sums, top));
    say(this.#top, `${top.toLocaleString("en")}/s`);
    const rates = series.map((each) => this.#rates.recent(each, untilMs));
    this.#legend(series, rates);
    const all = rates.reduce((sum, rate) => sum + rate, 0);
    const words = `${rateText(all)}/s`;
    say(byId("rate-summary"), words);
    const exchanges = countOf(series.length, "exchange");
    set(this.#svg, { "aria-label": `Rates of ${exchanges}; now ${words} in all` });
  }

  #grid() {
    const y = HEIGHT / 2;
    return drawing("line", { class: "grid", x1: 0, x2: this.#rates.spanS, y1: y, y2: y });
  }

  /**
   * @param {Series[]} series
   * @param {number[][]} sums
   * @param {number} top
   */
  #areas(series, sums, top) {
    /** @param {number} sum */
    const y = (sum) => (HEIGHT - (sum / top) * HEIGHT).toFixed(1);
    return series.map((each, i) => {
      const upper = sums[i + 1].map((sum, x) => `${x},${y(sum)}`);
      const lower = sums[i].map((sum, x) => `${x},${y(sum)}`).reverse();
      const points = [...upper, ...lower].join(" ");
      return drawing("polygon", { class: `area ${this.#classOf(each)}`, points });
    });
  }

  /**
   * @param {Series[]} series
   * @param {number[]} rates
   */
  #legend(series, rates) {
    const wanted = new Set(series.map(({ exchange }) => exchange));
    for (const [exchange, line] of this.#lines) {
      if (wanted.has(exchange)) continue;
      line.remove();
      this.#lines.delete(exchange);
    }
    series.forEach((each, i) => {
      const line = this.#lines.get(each.exchange) ?? this.#makeLine(each);
      if (this.#body.children[i] !== line) {
        this.#body.insertBefore(line, this.#body.children[i] ?? null);
      }
      const dot = /** @type {Element} */ (line.cells[0].firstElementChild);
      set(dot, { class: `dot ${this.#classOf(each)}` });
      say(line.cells[1], rateText(rates[i]));
      say(line.cells[2], each.total.toLocaleString("en"));
    });
  }

  /** @param {Series} series */
  #makeLine(series) {
    const { exchange, isRest } = series;
    const name = isRest
      ? element("span", {}, exchange)
      : button(shortName(exchange), () => this.#onFilter(termOf("exchange", exchange)), {
          class: "name",
          title: `${exchange}: show only this`,
        });
    const dot = element("i", { "aria-hidden": "true" });
    const line = element(
      "tr",
      {},
      element("th", { scope: "row" }, dot, name),
      element("td"),
      element("td"),
    );
    this.#lines.set(exchange, line);
    return line;
  }

  /** @param {Series} series */
  #classOf({ exchange, isRest }) {
    return isRest ? "hue-other" : this.#palette.classOf(exchange);
  }
}

/**
 * @param {Series[]} series
 * @param {number} length
 * @returns {number[][]} what is below each series, and the whole
 */
function sumsOf(series, length) {
  const sums = [new Array(length).fill(0)];
  for (const { counts } of series) {
    const below = sums[sums.length - 1];
    sums.push(counts.map((count, i) => count + below[i]));
  }
  return sums;
}

/** @param {number} rate */
const rateText = (rate) => (rate >= 100 || rate === 0 ? rate.toFixed(0) : rate.toFixed(1));

/** @param {number} value */
function roundUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * unit >= value) ?? 10) * unit;
}
