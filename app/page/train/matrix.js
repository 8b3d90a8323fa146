/** The confusion matrix: a table whose cells are as strong in colour as they are full. */

import { el } from "../shared/dom.js";
import { count, percent } from "./words.js";

const SHORT = 2; // letters of a class's name that a column has room for

/**
 * Make the table: a row for what an image is, a column for what was said.
 *
 * @param {string[]} classes
 * @param {number[][]} matrix images
 */
export function makeMatrix(classes, matrix) {
  const corner = el("td", { class: "matrix-corner" }, el("span", { class: "visually-hidden" }, "is, said"));
  const named = classes.some((label) => label.length > SHORT) && "named";
  const heads = classes.map((label) => el("th", { scope: "col" }, el("span", {}, label)));
  const mistakes = matrix.flatMap((row, is) => row.filter((_, said) => said !== is));
  const most = Math.max(1, ...mistakes);
  const rows = matrix.map((row, is) => makeRow(classes, row, is, most));
  const caption = el("caption", { class: "hint" }, "A row for what it is, a column for what was said");
  const head = el("thead", {}, el("tr", {}, corner, ...heads));
  const table = el("table", { class: `matrix numbers ${named || ""}`.trim() }, caption, head, el("tbody", {}, ...rows));
  const frame = { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Confusion matrix" };
  return el("div", frame, table);
}

/**
 * @param {string[]} classes
 * @param {number[]} row
 * @param {number} is
 * @param {number} most the largest number of mistakes of one kind
 */
function makeRow(classes, row, is, most) {
  const all = row.reduce((sum, images) => sum + images, 0);
  const cells = row.map((images, said) => {
    const right = said === is;
    const cell = el("td", { class: right ? "right" : images ? "wrong" : "none" }, images);
    // Few are wrong of many: a mistake's colour is measured by the most frequent mistake, not by the whole.
    cell.style.setProperty("--heat", String(right ? images / Math.max(all, 1) : Math.sqrt(images / most)));
    const part = percent(images / Math.max(all, 1));
    cell.title = `${count(images)} of ${count(all)} (${part}): is ${classes[is]}, said ${classes[said]}`;
    return cell;
  });
  return el("tr", {}, el("th", { scope: "row" }, classes[is]), ...cells);
}
