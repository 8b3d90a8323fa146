/** The images that a network was most wrong about. */

import { el } from "../shared/dom.js";
import { percent } from "./words.js";

/**
 * @typedef {object} Mistake
 * @property {number} index
 * @property {string} label
 * @property {string} predicted
 * @property {number} score
 * @property {number} true_score
 * @property {string} image
 */

/**
 * Make the list of mistakes, the worst first.
 *
 * @param {Mistake[]} mistakes
 * @param {boolean} photographs whether they are no small drawings, whose pixels are to be seen
 */
export function makeMistakes(mistakes, photographs) {
  const kind = photographs ? "mistake-photograph" : "pixels";
  return el("ul", { class: "mistakes", role: "list" }, ...mistakes.map((mistake) => makeMistake(mistake, kind)));
}

/**
 * @param {Mistake} mistake
 * @param {string} kind
 */
function makeMistake({ index, label, predicted, score, true_score, image }, kind) {
  const right = `${label}, which it is, ${percent(true_score)}`;
  const words = `Test image ${index}: ${predicted} got ${percent(score)}, and ${right}.`;
  return el(
    "li",
    { title: words },
    el("img", { src: image, alt: `The test image ${index}`, width: 28, height: 28, class: kind }),
    el("p", { class: "mistake-words numbers" }, "is ", el("strong", {}, label), ", said ", el("strong", {}, predicted)),
    el("p", { class: "hint numbers" }, `${percent(score)} sure`),
  );
}
