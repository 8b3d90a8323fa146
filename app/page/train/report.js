/** A finished training's report: where its network errs. */

import { ApiError, getJson } from "../shared/api.js";
import { curl, curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { save } from "../shared/save.js";
import { makeButton } from "./button.js";
import { makeMatrix } from "./matrix.js";
import { makeMistakes } from "./mistakes.js";
import { makeScores } from "./scores.js";
import { count } from "./words.js";

const PICTURES = { SVG: "image/svg+xml", PNG: "image/png" };

/**
 * Make the place of a report, and fetch it into there.
 *
 * @param {string} modelId
 */
export function makeReport(modelId) {
  const path = `/models/${encodeURIComponent(modelId)}/report`;
  const fetched = el("p", { class: "hint" }, "The report is fetched ...");
  const element = el("div", { class: "report", "aria-busy": "true" }, fetched);

  async function fill() {
    try {
      element.replaceChildren(...parts(await getJson(path), path, modelId));
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      const again = makeButton("Try again", fill);
      element.replaceChildren(el("div", { class: "notice error" }, el("p", {}, error.detail), again));
    }
    element.removeAttribute("aria-busy");
  }

  fill();
  return element;
}

/**
 * @param {any} report
 * @param {string} path
 * @param {string} modelId
 */
function parts(report, path, modelId) {
  const wrong = report.confusion_matrix.reduce(
    (/** @type {number} */ sum, /** @type {number[]} */ row, /** @type {number} */ is) =>
      sum + row.reduce((all, images, said) => all + (said === is ? 0 : images), 0),
    0,
  );
  const { test_images: tried, dataset } = report;
  const about = `Tried on ${count(tried)} ${report.tested_on}. Learned from ${count(dataset.train_images)}: ${dataset.description}.`;
  const shown = report.worst_mistakes.length;
  const mistakes = wrong ? `Worst mistakes: ${count(shown)} of ${count(wrong)}` : "Mistakes: none";
  return [
    el("p", { class: "hint" }, about),
    part("Confusion matrix", makeMatrix(report.classes, report.confusion_matrix)),
    part("Precision and recall", makeScores(report.per_class)),
    part(mistakes, makeMistakes(report.worst_mistakes, report.tested_on !== "test images"), "report-wide"),
    pictures(path, modelId),
  ];
}

/**
 * @param {string} title
 * @param {HTMLElement} content
 * @param {string} kind
 */
function part(title, content, kind = "") {
  return el("section", { class: `report-part ${kind}` }, el("h3", {}, title), content);
}

/**
 * @param {string} path
 * @param {string} modelId
 */
function pictures(path, modelId) {
  const buttons = Object.entries(PICTURES).map(([name, type]) => {
    const file = `${modelId}.${name.toLowerCase()}`;
    return makeButton(`Save as ${name}`, () => save(path, file, { Accept: type }), "quiet");
  });
  const command = curl(path, ["-H", `Accept: ${PICTURES.PNG}`, "-o", "report.png"]);
  const words = el("p", {}, "The report as a picture, for a slide:");
  const actions = el("div", { class: "actions" }, words, ...buttons);
  return el("div", { class: "report-wide report-pictures" }, actions, curlBox(command).element);
}
