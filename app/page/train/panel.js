/** One training on the page: how far it is, its curves while they grow, and how it ended. */

import { el } from "../shared/dom.js";
import { makeButton } from "./button.js";
import { STATUS, when } from "./words.js";

/** @typedef {import("./course.js").Course} Course */
/**
 * @typedef {object} Wishes what a person may want of a training
 * @property {() => void} cancel
 * @property {(params: Record<string, any>) => void} repeat start one with these parameters
 * @property {(params: Record<string, any>) => void} reuse put them into the form
 *
 * @typedef {object} Ways in which one kind of training is shown
 * @property {string} kind of job
 * @property {string} section whose addresses its trainings have
 * @property {string} nothing what is said where none is open
 * @property {() => { elements: Element[], show: (course: Course) => void }} charts
 * @property {(course: Course) => Record<string, string>} figures by their names, always the same ones
 * @property {(course: Course) => string} phase says what it does, where figures do not
 * @property {(params: Record<string, any>) => string} recipe says which training it is
 * @property {(course: Course, wishes: Wishes) => HTMLElement} ending says how it ended
 * @property {(course: Course) => HTMLElement} below what is shown of one that succeeded
 * @property {(result: Record<string, any>) => ?number} score
 * @property {(result: Record<string, any>) => string} verdict the same in words
 */

const BADGES = { succeeded: "good", failed: "bad", running: "busy", cancelling: "busy" };

/** The words for a training that cannot be heard of. */
const LINK = {
  live: "",
  lost: "The connection is lost. It comes back by itself, and nothing of the training is lost.",
  refused: "It takes a key to see how this training goes on.",
};

/**
 * Make the view of a training.
 *
 * @param {Course} course
 * @param {Ways} ways
 * @param {Wishes} wishes
 */
export function makePanel(course, ways, wishes) {
  const curves = ways.charts();
  const badge = el("span", { class: "badge" });
  const title = el("h2", { tabindex: -1 }, `Training of ${when(course.created_at)}`);
  const link = el("p", { class: "notice warning", hidden: true });
  const bar = el("progress", { max: 1, value: 0, "aria-label": "How far the training is" });
  const words = el("p", { class: "hint" });
  const figures = makeFigures();
  const cancel = makeButton("Cancel this training", wishes.cancel, "quiet danger");
  const trouble = el("div", { class: "train-trouble", role: "alert" });
  const ending = el("div", { class: "train-ending" });
  const actions = el("div", { class: "actions" }, cancel);
  const running = el("div", { class: "train-running" }, bar, words, figures.element, actions);
  const asked = el("p", { class: "hint" }, ways.recipe(course.params));
  const charts = el("div", { class: "charts" }, ...curves.elements);
  const element = el(
    "div",
    { class: "card train-course" },
    el("header", { class: "train-head" }, title, badge, asked),
    link,
    trouble,
    running,
    ending,
    charts,
  );

  function show() {
    badge.textContent = STATUS[course.status] ?? course.status;
    badge.className = `badge ${BADGES[/** @type {keyof BADGES} */ (course.status)] ?? ""}`;
    const { step, total_steps: total } = course.progress;
    charts.hidden = !course.history.length;
    curves.show(course);
    running.hidden = course.over;
    cancel.disabled = course.status === "cancelling";
    if (course.over) {
      ending.replaceChildren(ways.ending(course, wishes));
      return;
    }
    bar.value = total ? step / total : 0;
    words.textContent = ways.phase(course);
    figures.show(ways.figures(course));
  }

  /** @param {import("./follow.js").Link} state */
  function connected(state) {
    link.textContent = LINK[state];
    link.hidden = state === "live" || course.over;
  }

  /** @param {string} text what went wrong; empty: nothing any more */
  function complain(text) {
    trouble.replaceChildren(...(text ? [el("p", { class: "notice error" }, text)] : []));
  }

  return { element, show, connected, complain };
}

function makeFigures() {
  const element = el("dl", { class: "figures numbers" });
  /** @type {Map<string, HTMLElement>} */
  const values = new Map();

  /** @param {Record<string, string>} figures */
  function show(figures) {
    for (const [name, text] of Object.entries(figures)) {
      const value = values.get(name) ?? el("dd");
      if (!values.has(name)) {
        values.set(name, value);
        element.append(el("div", {}, el("dt", {}, name), value));
      }
      value.textContent = text;
    }
  }

  return { element, show };
}
