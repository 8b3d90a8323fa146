/** The numbers behind the drawing: each layer's kind, its output, and how many numbers it has learned. */

import { el } from "../shared/dom.js";
import { count, does, shape, short } from "./words.js";

/** @typedef {import("./index.js").Layer} Layer */
/** @typedef {import("./index.js").Network} Network */

/**
 * @param {Network} network
 * @returns {HTMLElement}
 */
export function makeTable({ title, layers, parameters }) {
  const most = Math.max(...layers.map((layer) => layer.parameters));
  const heads = ["Layer", "Kind", "Output", "Parameters"];
  const table = el(
    "table",
    {},
    el("caption", { class: "visually-hidden" }, `${title}'s ${layers.length} weight layers`),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...layers.map((layer) => row(layer, most))),
    el("tfoot", {}, el("tr", {}, el("th", { scope: "row", colspan: 3 }, "All together"), el("td", {}, count(parameters)))),
  );
  return el("div", { class: "card table-frame", tabindex: "0", role: "region", "aria-label": "The layers in numbers" }, table);
}

/**
 * @param {Layer} layer
 * @param {number} most
 * @returns {HTMLElement}
 */
function row(layer, most) {
  const bar = el("span", { class: "weight-bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", String(layer.parameters / most));
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, short(layer)),
    el("td", {}, does(layer)),
    el("td", {}, shape(layer)),
    el("td", {}, count(layer.parameters), bar),
  );
}
