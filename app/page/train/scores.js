/** How well each class is told from the others: precision and recall, as numbers and as bars. */

import { el } from "../shared/dom.js";
import { count, percent } from "./words.js";

const MEANING = "Precision: of those said to be, how many are. Recall: of those that are, how many were said to be.";

/** @typedef {{ label: string, precision: ?number, recall: ?number, f1: ?number, support: number }} Scores */

/**
 * Make the table, a row for each class.
 *
 * @param {Scores[]} classes
 */
export function makeScores(classes) {
  const heads = ["Class", "Precision", "Recall", "Images"].map((head) => el("th", { scope: "col" }, head));
  const lowest = Math.min(...classes.flatMap(({ precision, recall }) => [precision ?? 1, recall ?? 1]));
  const floor = lowest > 0.9 ? 0.9 : lowest > 0.5 ? 0.5 : 0;
  const rows = classes.map(({ label, precision, recall, support }) => {
    const parts = [precision, recall].map((part) => cell(part, floor));
    return el("tr", {}, el("th", { scope: "row" }, label), ...parts, el("td", {}, count(support)));
  });
  const from = floor ? ` The bars begin at ${percent(floor, 0)}.` : "";
  const caption = el("caption", { class: "hint" }, `${MEANING}${from}`);
  const head = el("thead", {}, el("tr", {}, ...heads));
  const table = el("table", { class: "scores" }, caption, head, el("tbody", {}, ...rows));
  return el("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Precision and recall" }, table);
}

/**
 * @param {?number} part 0 to 1; null where it is not defined
 * @param {number} floor where the bar begins
 */
function cell(part, floor) {
  const fill = el("span", { class: "score-fill" });
  fill.style.setProperty("--share", String(Math.max(0, ((part ?? 0) - floor) / (1 - floor))));
  return el("td", {}, percent(part), el("span", { class: "score-track", "aria-hidden": "true" }, fill));
}
