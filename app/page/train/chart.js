/** Lines that grow: one value, or two of a kind, over the steps of a training, as a drawing in SVG and as a table. */

import { el, svg } from "../shared/dom.js";
import { thinned, ticks } from "./scale.js";

/** @typedef {{x: number, y: number, also?: ?number}} Point `also` is the second value */
/**
 * @typedef {object} Kind
 * @property {string} title what is drawn
 * @property {string} tint a class that gives the colour
 * @property {(value: number) => string} words writes a value
 * @property {(value: number) => string} tick writes a value at the axis
 * @property {number} [ceiling] where the axis ends, if that is known
 * @property {string} [unit] what stands at the other axis, such as `epoch`; a step where nothing is said
 * @property {string} [also] what the second value is; none where there is none
 */

const MOST_ROWS = 100; // of the table; a training may have ten thousand reports
const HEIGHT = 11; // everything in the drawing is in rem, so that it grows with the text
const LEFT = 3.25;
const RIGHT = 0.75;
const TOP = 0.75;
const BOTTOM = 1.75;

let made = 0; // charts of this page, each with ids of its own

export class Chart {
  /** @type {Point[]} */
  #points = [];
  #width = 0;
  #rem = 16; // pixels
  #top = 1; // the value at which the axis ends
  #last = 1; // the step at which the other one does
  #frame = 0;

  /** @param {Kind} kind */
  constructor(kind) {
    const name = `chart-${++made}`;
    this.kind = kind;
    this.value = el("strong", { class: "chart-value numbers" }, "–");
    this.at = el("span", { class: "hint numbers" });
    this.also = el("span", { class: "chart-also numbers", hidden: !kind.also });
    this.unit = kind.unit ?? "step";
    this.describe = svg("desc", { id: `${name}-desc` });
    this.drawing = svg("g");
    const label = { role: "img", "aria-labelledby": `${name}-title ${name}-desc` };
    const title = svg("title", { id: `${name}-title` }, kind.title);
    this.svg = svg("svg", { ...label, class: `chart-lines ${kind.tint}` }, title, this.describe, this.drawing);
    this.rows = el("tbody");
    this.details = this.#table();
    this.root = el("figure", { class: "chart" }, this.#caption(), this.svg, this.details);
    this.svg.addEventListener("pointermove", (event) => this.#point(event));
    this.svg.addEventListener("pointerleave", () => this.#tell());
    new ResizeObserver(([entry]) => this.#resize(entry.contentRect.width)).observe(this.root);
  }

  /**
   * Draw these points, ascending.
   *
   * @param {Point[]} points
   * @param {number} last the step at which the axis ends
   */
  show(points, last) {
    this.#points = points;
    this.#last = Math.max(last, points.at(-1)?.x ?? 1, 1);
    this.#soon();
  }

  #soon() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** @param {number} width */
  #resize(width) {
    if (Math.abs(width - this.#width) >= 1) {
      this.#width = width;
      this.#soon();
    }
  }

  #draw() {
    this.#tell();
    this.#fill();
    if (!this.#width) {
      return;
    }
    this.#rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.svg.setAttribute("viewBox", `0 0 ${this.#width} ${HEIGHT * this.#rem}`);
    this.svg.setAttribute("height", String(HEIGHT * this.#rem));
    this.drawing.replaceChildren(...this.#values(), ...this.#steps(), ...this.#line());
  }

  /** @param {number} step */
  #x(step) {
    const left = LEFT * this.#rem;
    return left + (step / this.#last) * (this.#width - left - RIGHT * this.#rem);
  }

  /** @param {number} value */
  #y(value) {
    const floor = (HEIGHT - BOTTOM) * this.#rem;
    return floor - (value / this.#top) * (floor - TOP * this.#rem);
  }

  #values() {
    const values = this.#points.flatMap((point) => [point.y, point.also ?? 0]);
    const highest = this.kind.ceiling ?? Math.max(...values, 1e-3);
    return this.#levels(highest);
  }

  /** @param {number} highest value that is drawn */
  #levels(highest) {
    const values = ticks(highest, 4);
    this.#top = values.at(-1) ?? highest;
    const ends = { x1: LEFT * this.#rem, x2: this.#width - RIGHT * this.#rem };
    return values.flatMap((value) => {
      const y = this.#y(value);
      const place = { x: (LEFT - 0.5) * this.#rem, y: y + 0.28 * this.#rem, class: "chart-tick chart-end" };
      const line = svg("line", { ...ends, y1: y, y2: y, class: "chart-grid" });
      return [line, svg("text", place, this.kind.tick(value))];
    });
  }

  #steps() {
    const room = Math.max(1, Math.min(5, Math.floor(this.#width / (6 * this.#rem))));
    const steps = ticks(this.#last, room).filter((step) => step <= this.#last && Number.isInteger(step));
    return steps.map((step) => {
      const side = step === this.#last ? "chart-end" : "chart-middle";
      const x = step === this.#last ? this.#width - RIGHT * this.#rem : this.#x(step);
      const place = { x, y: (HEIGHT - 0.35) * this.#rem, class: `chart-tick ${side}` };
      return svg("text", place, step.toLocaleString("en"));
    });
  }

  #line() {
    const points = thinned(this.#points, Math.max(2, Math.round(this.#width)));
    const end = points.at(-1);
    if (!end) {
      return [];
    }
    const path = this.#path(points);
    const floor = this.#y(0).toFixed(1);
    return [
      svg("path", { d: `M${this.#x(points[0].x).toFixed(1)} ${floor}L${path}V${floor}Z`, class: "chart-under" }),
      svg("path", { d: `M${path}`, class: "chart-line" }),
      svg("circle", { cx: this.#x(end.x), cy: this.#y(end.y), r: 0.28 * this.#rem, class: "chart-dot" }),
      ...this.#second(points),
    ];
  }

  /** @param {Point[]} points */
  #second(points) {
    const others = points.flatMap(({ x, also }) => (typeof also === "number" ? [{ x, y: also }] : []));
    const end = others.at(-1);
    if (!end) {
      return [];
    }
    return [
      svg("path", { d: `M${this.#path(others)}`, class: "chart-line chart-second" }),
      svg("circle", { cx: this.#x(end.x), cy: this.#y(end.y), r: 0.28 * this.#rem, class: "chart-dot chart-second" }),
    ];
  }

  /** @param {Point[]} points */
  #path(points) {
    return points.map(({ x, y }) => `${this.#x(x).toFixed(1)} ${this.#y(y).toFixed(1)}`).join("L");
  }

  #caption() {
    const name = el("span", { class: "chart-name" }, this.kind.title);
    return el("figcaption", { class: "chart-caption" }, name, this.value, this.also, this.at);
  }

  #table() {
    const names = [capital(this.unit), this.kind.title, this.kind.also && capital(this.kind.also)];
    const heads = names.flatMap((head) => (head ? [el("th", { scope: "col" }, head)] : []));
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...heads)), this.rows);
    const box = { class: "chart-table", tabindex: 0, role: "region", "aria-label": `${this.kind.title} as a table` };
    const summary = el("summary", { class: "hint" }, "As a table");
    return el("details", { ontoggle: () => this.#fill() }, summary, el("div", box, table));
  }

  #fill() {
    if (this.details.open) {
      const rows = thinned(this.#points, MOST_ROWS).map(({ x, y, also }) => {
        const other = this.kind.also && el("td", {}, typeof also === "number" ? this.kind.words(also) : "–");
        return el("tr", {}, el("th", { scope: "row" }, x.toLocaleString("en")), el("td", {}, this.kind.words(y)), other);
      });
      this.rows.replaceChildren(...rows);
    }
  }

  /** Say one point's value beside the title: the last one's, unless another is pointed at. */
  #tell(point = this.#points.at(-1)) {
    this.value.textContent = point ? this.kind.words(point.y) : "–";
    this.also.textContent = typeof point?.also === "number" ? `${this.kind.also} ${this.kind.words(point.also)}` : "";
    this.at.textContent = point ? `at ${this.unit} ${point.x.toLocaleString("en")}` : "no report yet";
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    this.describe.textContent = last
      ? `${this.#points.length} reports: ${this.kind.words(first.y)} at ${this.unit} ${first.x}, ` +
        `${this.kind.words(last.y)} at ${this.unit} ${last.x} of ${this.#last}. ${this.also.textContent}`
      : "No report yet.";
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const x = event.clientX - this.svg.getBoundingClientRect().left;
    const away = (/** @type {Point} */ point) => Math.abs(this.#x(point.x) - x);
    if (this.#points.length) {
      this.#tell(this.#points.reduce((best, point) => (away(point) < away(best) ? point : best)));
    }
  }
}

/** @param {string} word */
function capital(word) {
  return `${word[0].toUpperCase()}${word.slice(1)}`;
}
