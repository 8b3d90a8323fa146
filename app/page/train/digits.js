/** Trainings on digits as they are shown: their curves, figures and words. */

import { count, changedFrom, percent, recipe, span } from "./words.js";
import { Chart } from "./chart.js";
import { makeEnding } from "./ending.js";
import { makeReport } from "./report.js";

/** @typedef {import("./panel.js").Ways} Ways */
/** @typedef {import("./course.js").Course} Course */

export const KIND = "mnist-train"; // as jobs and models name it
export const PATH = "/jobs/mnist-train";

/** The words for where a training is that has no figures yet. */
const WAITING = {
  queued: "It waits for a worker. It begins by itself.",
  running: "It begins: the digits are fetched, the network is built.",
  cancelling: "It stops in a moment.",
};

/**
 * Say how trainings on digits are shown.
 *
 * @param {Record<string, any>} defaults
 * @returns {Ways}
 */
export function digits(defaults) {
  return {
    kind: KIND,
    section: "train",
    nothing: "No training is open. Start one, and its accuracy grows in this place.",
    charts,
    figures,
    phase,
    recipe: (params) => recipe(params, changedFrom(params, defaults)),
    ending: makeEnding,
    below: (course) => makeReport(course.result?.model_id),
    score: (result) => result.test_accuracy,
    verdict: (result) => `${percent(result.test_accuracy)} of the test digits are told right`,
  };
}

/** @type {Ways["charts"]} */
function charts() {
  const accuracy = new Chart({
    title: "Accuracy",
    tint: "chart-accuracy",
    ceiling: 1,
    words: (value) => percent(value),
    tick: (value) => percent(value, 0),
  });
  const loss = new Chart({ title: "Loss", tint: "chart-loss", words: (value) => value.toFixed(3), tick: String });

  /** @param {Course} course */
  function show({ history, progress, params }) {
    const last = progress.total_steps || params.steps;
    accuracy.show(history.map((entry) => ({ x: entry.step, y: entry.train_accuracy })), last);
    loss.show(history.map((entry) => ({ x: entry.step, y: entry.loss })), last);
  }

  return { elements: [accuracy.root, loss.root], show };
}

/** @type {Ways["figures"]} */
function figures({ progress, params }) {
  return {
    Step: `${count(progress.step)} of ${count(progress.total_steps || params.steps)}`,
    "Time left": span(progress.eta_seconds),
    "Images a second": count(progress.images_per_second),
  };
}

/** @type {Ways["phase"]} */
function phase(course) {
  const { step, total_steps: total } = course.progress;
  if (course.status === "running" && total && step === total) {
    return "Learned. It is now tried on images that it has not seen.";
  }
  if (course.status === "running" && step) {
    return course.attempt > 1 ? `Attempt ${course.attempt}: it went on from where the last one was saved.` : "";
  }
  return WAITING[/** @type {keyof WAITING} */ (course.status)] ?? "";
}
