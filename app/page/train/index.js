/** *Train your own*: a form for a training, the trainings that there are, and the one that is looked at, live. */

import { ApiError } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { KEY } from "../shared/key.js";
import { makeAsk } from "./ask.js";
import { makeButton } from "./button.js";
import { PATH, digits } from "./digits.js";
import { makeJobs } from "./jobs.js";
import { DIGITS, loadFields } from "./params.js";
import { makeViewer } from "./viewer.js";

const LEDE =
  "A small network learns to read handwritten digits while you watch: two layers of convolutions and a dense one, " +
  "in about half a minute.";
const LOOK = 10_000; // milliseconds between looks at the list while one of its trainings goes on

/** @param {HTMLElement} section */
export async function mount(section) {
  const place = el("div", { class: "train" });
  section.append(
    el("h1", { id: "train-title" }, "Train your own"),
    el("p", { class: "lede" }, LEDE),
    place,
  );
  return assembled(place, await fieldsOf(place));
}

/**
 * Ask for what a training can be asked for until it is told.
 *
 * @param {HTMLElement} place where a failure is said
 */
async function fieldsOf(place) {
  for (;;) {
    try {
      return await loadFields(PATH, DIGITS);
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      await again(place, error.detail);
    }
  }
}

/**
 * @param {HTMLElement} place
 * @param {string} words
 * @returns {Promise<void>} when somebody asks for another attempt
 */
function again(place, words) {
  return new Promise((then) => {
    const button = makeButton("Try again", then);
    place.replaceChildren(el("div", { class: "notice error", role: "alert" }, el("p", {}, words), button));
  });
}

/**
 * @param {HTMLElement} place
 * @param {import("./params.js").Field[]} fields
 */
function assembled(place, fields) {
  const defaults = Object.fromEntries(fields.map((field) => [field.name, field.value]));
  const ways = digits(defaults);
  const jobs = makeJobs(ways);
  const ask = makeAsk(fields, async (id) => {
    await viewer.open(id);
    viewer.focus();
    location.hash = `#train/${encodeURIComponent(id)}`;
  });
  const viewer = makeViewer(ways, {
    repeat: (params) => ask.start(params),
    reuse: (params) => ask.fill(params),
    changed: () => jobs.refresh(),
    gone: (id) => jobs.forget(id),
  });
  place.replaceChildren(ask.element, viewer.element, jobs.element);
  document.addEventListener(KEY, () => jobs.renew());
  let clock = 0;

  /** @param {string} id */
  async function shown(id) {
    clearInterval(clock);
    clock = window.setInterval(() => !document.hidden && jobs.busy() && jobs.look(), LOOK);
    if (id) {
      await viewer.open(id);
      jobs.mark(viewer.id);
    }
    await jobs.refresh();
    if (!id && !viewer.id && jobs.foremost()) {
      await viewer.open(jobs.foremost());
    }
    jobs.mark(viewer.id);
  }

  return { shown, hidden: () => clearInterval(clock) };
}
