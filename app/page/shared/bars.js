/** Guesses as bars: a list that reads well aloud, and that moves where new guesses come in. */

import { el } from "./dom.js";

/** @typedef {{ label: string, score: number, index: number }} Guess */

/**
 * Make a list of bars. `show` draws the guesses in the order in which they come, reusing the rows of those that were
 * there before; the highest score is marked. The list is named by `label`.
 *
 * @param {string} label
 * @returns {{ element: HTMLOListElement, show: (guesses: readonly Guess[]) => void }}
 */
export function makeBars(label) {
  const element = el("ol", { class: "bars", "aria-label": label, role: "list" });
  /** @type {Map<number, HTMLLIElement>} */
  let rows = new Map();

  /** @param {readonly Guess[]} guesses */
  function show(guesses) {
    const best = Math.max(...guesses.map((guess) => guess.score));
    const next = new Map(guesses.map((guess) => [guess.index, rows.get(guess.index) ?? makeRow()]));
    for (const guess of guesses) {
      fillRow(/** @type {HTMLLIElement} */ (next.get(guess.index)), guess, guess.score === best);
    }
    const order = [...next.values()];
    if (order.length !== element.children.length || order.some((row, place) => row !== element.children[place])) {
      element.replaceChildren(...order);
    }
    rows = next;
  }

  return { element, show };
}

/**
 * Write a score as people read it: `95.1 %`, and never `0.0 %` for what is more than nothing.
 *
 * @param {number} score 0 to 1
 * @returns {string}
 */
export function percent(score) {
  if (score > 0 && score < 0.0005) {
    return "< 0.1 %";
  }
  const shown = score > 0.9995 && score < 1 ? 0.999 : score;
  return `${(100 * shown).toFixed(1)} %`;
}

/**
 * Write a class's name as people read it.
 *
 * @param {string} label such as `tiger_cat`
 * @returns {string}
 */
export function words(label) {
  return label.replaceAll("_", " ");
}

/** @returns {HTMLLIElement} */
function makeRow() {
  return el(
    "li",
    { class: "bar" },
    el("span", { class: "bar-label" }),
    el("span", { class: "bar-score" }),
    el("span", { class: "bar-track", "aria-hidden": "true" }, el("span", { class: "bar-fill" })),
  );
}

/**
 * @param {HTMLLIElement} row
 * @param {Guess} guess
 * @param {boolean} best
 */
function fillRow(row, guess, best) {
  const [label, score] = row.children;
  label.textContent = words(guess.label);
  score.textContent = percent(guess.score);
  row.classList.toggle("best", best);
  row.style.setProperty("--share", String(guess.score));
}
