/** What the network says of a drawing, and what it saw. */

import { announce } from "../shared/announce.js";
import { makeBars, percent } from "../shared/bars.js";
import { el } from "../shared/dom.js";

/** @typedef {import("../shared/bars.js").Guess} Guess */
/** @typedef {{ predictions: Guess[], input: string, timing_ms: { total: number }, model: { id: string } }} Answer */

const QUIET = 700; // milliseconds after the last answer, before it is said aloud
const EMPTY = Array.from({ length: 10 }, (_, index) => ({ label: String(index), index, score: 0 }));

/** Make the place of the answer. */
export function makeAnswer() {
  const bars = makeBars("How sure the network is of each digit");
  const digit = el("p", { class: "draw-digit numbers" });
  const words = el("p", { class: "draw-words" });
  const seen = el("img", { class: "pixels draw-seen", alt: "", width: 28, height: 28 });
  const sight = el("figure", { class: "draw-sight" }, seen, el("figcaption", { class: "hint" }, "What it saw"));
  const element = el(
    "div",
    { class: "draw-answer" },
    el("div", { class: "draw-verdict" }, digit, words, sight),
    el("div", { class: "draw-bars numbers" }, bars.element),
  );
  let clock = 0;

  /**
   * Show an answer.
   *
   * @param {Answer} answer
   */
  function show({ predictions, input, timing_ms }) {
    const [best] = predictions;
    const order = [...predictions].sort((one, other) => one.index - other.index);
    element.classList.remove("empty");
    digit.textContent = best.label;
    words.textContent = `${percent(best.score)} sure, in ${Math.max(1, Math.round(timing_ms.total))} ms`;
    seen.src = input;
    seen.alt = "The drawing as the network saw it: light on dark, centred, 28 by 28 pixels";
    sight.hidden = false;
    bars.show(order);
    clearTimeout(clock);
    clock = window.setTimeout(() => announce(`${best.label}, ${percent(best.score)} sure`), QUIET);
  }

  /**
   * Show that there is no answer, and say why.
   *
   * @param {string} reason
   */
  function rest(reason) {
    clearTimeout(clock);
    element.classList.add("empty");
    digit.textContent = "?";
    words.textContent = reason;
    sight.hidden = true;
    bars.show(EMPTY);
  }

  rest("");
  return { element, show, rest };
}
