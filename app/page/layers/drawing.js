/** A network as a drawing: a block for what each layer gives to the next, in lines, or one below the other where it is narrow. */

import { svg } from "../shared/dom.js";
import { convolutions, count, denseLayers, shape, short } from "./words.js";

/** @typedef {import("./index.js").Layer} Layer */
/** @typedef {import("./index.js").Network} Network */

const COLUMNS = { column: 93, most: 16, above: 10, below: 35, labels: 50 }; // more beside each other are too small to read
const ROWS = { width: 310, least: 46, most: 74, middle: 48, labels: 104, scale: 0.27 };

/**
 * @param {Network} network
 * @returns {SVGSVGElement}
 */
export function drawColumns(network) {
  const lines = divide(network.layers);
  let top = 0;
  const drawn = lines.flatMap((line) => {
    const middle = top + COLUMNS.above + Math.max(...line.map((layer) => side(layer) / 2 + rise(layer)));
    const labels = middle + COLUMNS.below + Math.max(...line.map((layer) => side(layer) / 2));
    top = labels + COLUMNS.labels;
    return line.map((layer, place) => {
      const x = COLUMNS.column * (place + 0.5);
      return svg("g", { class: family(layer, network.layers) }, solid(layer, x, middle, 1), label(layer, x, labels));
    });
  });
  return sheet(network, "columns", COLUMNS.column * Math.max(...lines.map(({ length }) => length)), top, drawn);
}

/**
 * @param {Network} network
 * @returns {SVGSVGElement}
 */
export function drawRows(network) {
  const { layers } = network;
  let bottom = 0;
  const drawn = layers.map((layer) => {
    const height = Math.min(ROWS.most, Math.max(ROWS.least, ROWS.scale * (side(layer) + rise(layer))));
    const y = bottom + height / 2;
    bottom += height;
    return svg("g", { class: family(layer, layers) }, solid(layer, ROWS.middle, y + 4, ROWS.scale), rowLabel(layer, y));
  });
  return sheet(network, "rows", ROWS.width, bottom, drawn);
}

/**
 * Divide layers into lines: pictures of one size stay in one where it has room, or else in equal parts.
 *
 * @param {Layer[]} layers
 * @returns {Layer[][]}
 */
function divide(layers) {
  /** @type {Layer[][]} */
  const lines = [[]];
  for (const kind of new Set(layers.map((layer) => family(layer, layers)))) {
    const alike = layers.filter((layer) => family(layer, layers) === kind);
    const size = Math.ceil(alike.length / Math.ceil(alike.length / COLUMNS.most));
    for (let start = 0; start < alike.length; start += size) {
      const part = alike.slice(start, start + size);
      if (lines[lines.length - 1].length + part.length > COLUMNS.most) {
        lines.push([]);
      }
      lines[lines.length - 1].push(...part);
    }
  }
  return lines;
}

/**
 * @param {Network} network
 * @param {string} arrangement
 * @param {number} width
 * @param {number} height
 * @param {SVGGElement[]} drawn
 * @returns {SVGSVGElement}
 */
function sheet({ title, layers }, arrangement, width, height, drawn) {
  const names = { "aria-labelledby": "drawing-title", "aria-describedby": "drawing-description" };
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", class: arrangement, ...names },
    svg("title", { id: "drawing-title" }, `${title}'s ${layers.length} weight layers`),
    svg("desc", { id: "drawing-description" }, description(layers)),
    ...drawn,
  );
}

/**
 * @param {Layer[]} layers
 * @returns {string} the drawing in words
 */
function description(layers) {
  const outputs = layers.map(({ output }) => output).filter(({ length }) => length === 3);
  const [first, last] = [outputs[0], outputs[outputs.length - 1]];
  const sides = `whose pictures shrink from ${first[0]} to ${last[0]} pixels a side while their channels grow from ${first[2]} to ${last[2]}`;
  return `${convolutions(layers)}, ${sides}; then ${denseLayers(layers)}. From left to right and from top to bottom. The table below has the numbers.`;
}

/**
 * A block seen from its front, its right and above.
 *
 * @param {Layer} layer
 * @param {number} middle of the block, from the left
 * @param {number} centre of its front, from above
 * @param {number} scale
 * @returns {SVGGElement}
 */
function solid(layer, middle, centre, scale) {
  const [w, h, d] = [thickness(layer), side(layer), depth(layer)].map((length) => length * scale);
  const [dx, dy] = [0.5 * d, rise(layer) * scale]; // how far its back is to the right of its front, and above it
  const [x, y] = [middle - (w + dx) / 2, centre - h / 2];
  return svg(
    "g",
    { class: "solid" },
    face("top", [x, y], [x + dx, y - dy], [x + w + dx, y - dy], [x + w, y]),
    face("right", [x + w, y], [x + w + dx, y - dy], [x + w + dx, y + h - dy], [x + w, y + h]),
    face("front", [x, y], [x + w, y], [x + w, y + h], [x, y + h]),
  );
}

/**
 * @param {string} name
 * @param {...number[]} corners
 * @returns {SVGPolygonElement}
 */
function face(name, ...corners) {
  const points = corners.map((corner) => corner.map((number) => number.toFixed(1)).join()).join(" ");
  return svg("polygon", { class: name, points });
}

/**
 * @param {Layer} layer
 * @param {number} x
 * @param {number} y
 * @returns {SVGGElement}
 */
function label(layer, x, y) {
  const [height, width, channels] = layer.output.map(count);
  const first = channels ? `${height} × ${width}` : height;
  return svg(
    "g",
    { class: "middle", transform: `translate(${x} ${y})`, "aria-hidden": "true" },
    ...wrap(short(layer)).map((words, line, { length }) => svg("text", { class: "name", y: 17 * (line + 1 - length) }, words)),
    svg("text", { class: "fact", y: 21 }, first),
    svg("text", { class: "fact", y: 39 }, channels ? `× ${channels}` : ""),
  );
}

/**
 * @param {string} name
 * @returns {string[]} its words, each for a line, where it is as wide as a column
 */
function wrap(name) {
  return name.length > 10 ? name.split(" ") : [name];
}

/**
 * @param {Layer} layer
 * @param {number} y
 * @returns {SVGGElement}
 */
function rowLabel(layer, y) {
  return svg(
    "g",
    { transform: `translate(${ROWS.labels} ${y})`, "aria-hidden": "true" },
    svg("text", { class: "name", y: -5 }, short(layer)),
    svg("text", { class: "fact", y: 15 }, `${shape(layer)} · ${count(layer.parameters)}`),
  );
}

/**
 * @param {Layer} layer
 * @param {Layer[]} layers all of them
 * @returns {string} its class, for its colour: one for each size of picture
 */
function family({ kind, output }, layers) {
  const sides = [...new Set(layers.filter((one) => one.output.length === 3).map((one) => one.output[0]))];
  return kind === "dense" ? "dense" : `block-${1 + sides.indexOf(output[0])}`;
}

/**
 * The height of a block: its picture's side, or a dense layer's units; by its root, so that 7 and 224 are both seen.
 *
 * @param {Layer} layer
 * @returns {number}
 */
function side({ output }) {
  return output.length === 1 ? 3.1 * Math.sqrt(output[0]) : 17 * Math.sqrt(output[0]);
}

/**
 * @param {Layer} layer
 * @returns {number}
 */
function depth({ output }) {
  return output.length === 1 ? 14 : 8.5 * Math.sqrt(output[1]);
}

/**
 * @param {Layer} layer
 * @returns {number} how far its back is above its front
 */
function rise(layer) {
  return 0.42 * depth(layer);
}

/**
 * @param {Layer} layer
 * @returns {number}
 */
function thickness({ output }) {
  return output.length === 1 ? 14 : 2.2 * Math.sqrt(output[2]);
}
