/** Trainings on one's own photographs as they are shown: their curves, figures and words. */

import { el } from "../shared/dom.js";
import { title } from "../shared/models.js";
import { makeButton } from "../train/button.js";
import { Chart } from "../train/chart.js";
import { makeReport } from "../train/report.js";
import { count, percent, several, span } from "../train/words.js";
import { KIND } from "./bases.js";
import { makeTrial } from "./trial.js";

/** @typedef {import("../train/panel.js").Ways} Ways */
/** @typedef {import("../train/course.js").Course} Course */

/** @type {Record<string, string>} what an error's code means to who started the training */
const REASONS = {
  "dataset-unavailable": "The photographs cannot be had.",
  "dataset-unfit": "The photographs do not make a training.",
  "weights-unavailable": "The weights to begin with are not there.",
  "base-unavailable": "The network to begin with cannot be had.",
  "device-unavailable": "The worker lacks the device that it was told to train on.",
  diverged: "It did not learn: its numbers grew without bound.",
  "disk-full": "The worker's disk is full.",
  "disk-unavailable": "The worker's disk cannot be used.",
  "worker-lost": "Its worker was lost, time and again.",
  "time-limit": "It took longer than a training may.",
};
const WAITING = {
  queued: "It waits for a worker. It begins by itself.",
  running: "It begins: the photographs are fetched, the network is built.",
  cancelling: "It stops in a moment.",
};

/** @type {Ways} */
export const photographs = {
  kind: KIND,
  section: "own",
  nothing: "Nothing is open. Choose a folder of photographs, or one that is here already.",
  charts,
  figures,
  phase,
  recipe,
  ending,
  below,
  score: (result) => result.validation_accuracy,
  verdict: (result) => `${percent(result.validation_accuracy)} of the photographs that it has not learned from are told right`,
};

/** @type {Ways["charts"]} */
function charts() {
  const shared = { unit: "epoch", also: "validation" };
  const accuracy = new Chart({
    ...shared,
    title: "Accuracy",
    tint: "chart-accuracy",
    ceiling: 1,
    words: (value) => percent(value),
    tick: (value) => percent(value, 0),
  });
  const loss = new Chart({ ...shared, title: "Loss", tint: "chart-loss", words: (value) => value.toFixed(3), tick: String });

  /** @param {Course} course */
  function show({ history, progress, params }) {
    const last = progress.total_epochs ?? params.epochs;
    accuracy.show(history.map(({ epoch = 0, train_accuracy: y, validation_accuracy: also }) => ({ x: epoch, y, also })), last);
    loss.show(history.map(({ epoch = 0, loss: y, validation_loss: also }) => ({ x: epoch, y, also })), last);
  }

  return { elements: [accuracy.root, loss.root], show };
}

/** @type {Ways["figures"]} */
function figures({ progress, params }) {
  return {
    Epoch: `${count(progress.epoch ?? 0)} of ${count(progress.total_epochs ?? params.epochs)}`,
    "Time left": span(progress.eta_seconds),
    "Photographs a second": count(progress.images_per_second),
  };
}

/** @type {Ways["phase"]} */
function phase({ status, progress, attempt }) {
  const { step, total_steps: total, images_per_second: pace } = progress;
  if (status === "running" && total && step === total) {
    return "Learned. The report is made.";
  }
  if (status === "running" && total && !step && pace) {
    return "All photographs go once through the layers that stay as they are; then it learns.";
  }
  if (status === "running" && step) {
    return attempt > 1 ? `Attempt ${attempt}: it went on from where the last one was saved.` : "";
  }
  return WAITING[/** @type {keyof WAITING} */ (status)] ?? "";
}

/** @type {Ways["recipe"]} */
function recipe({ base, freeze, epochs, augment, optimizer, learning_rate }) {
  const layers = freeze === null || freeze === undefined ? "its last three layers learn" : several(freeze, "layer stays", "layers stay");
  const changes = augment?.length ? [`also ${augment.join(", ")}`] : [];
  return [base.startsWith("job_") ? "from one fine-tuned here" : title(base), layers, several(epochs, "epoch"), `${optimizer} ${learning_rate}`, ...changes].join(" · ");
}

/** @type {Ways["ending"]} */
function ending(course, wishes) {
  if (course.status === "succeeded" && course.result) {
    return success(course.result);
  }
  const { error, params, progress } = course;
  const again = makeButton("Start it again", () => wishes.repeat(params));
  const change = makeButton("Change the parameters", () => wishes.reuse(params));
  const actions = el("div", { class: "actions" }, again, change);
  if (course.status === "failed") {
    const reason = (error && REASONS[error.code]) ?? "It could not be finished.";
    const words = el("p", {}, el("strong", {}, reason), " ", error?.detail);
    return el("div", { class: "notice error train-failure" }, words, actions);
  }
  const words = progress.epoch ? `It was cancelled after ${several(progress.epoch, "epoch")}.` : "It was cancelled before its first epoch.";
  return el("div", { class: "notice train-failure" }, el("p", {}, words), actions);
}

/** @param {Record<string, any>} result */
function success(result) {
  const { validation_accuracy: right, validation_images: tried, train_images: learned, dataset, best_epoch: best, epochs } = result;
  const random = result.root_weights?.origin === "random";
  const figure = el("p", { class: "train-score numbers" }, percent(right ?? result.train_accuracy));
  const what = right === null ? "of the photographs that it learned from are told right; none was kept apart to test it with." : `of ${several(tried, "photograph")} of ${dataset?.name} that it had not seen before are told right.`;
  const plus = `It learned from ${count(learned)}, in ${span(result.training_seconds)}. Of ${several(epochs, "epoch")} number ${count(best)} is kept.`;
  return el(
    "div",
    { class: "train-success" },
    el("div", { class: "train-verdict" }, figure, el("p", {}, what, " ", el("span", { class: "hint" }, plus))),
    random && el("p", { class: "notice warning" }, "It began with random weights, which nobody has trained: what it knows it has from these photographs alone."),
    el("div", { class: "actions" }, el("a", { class: "button", href: `#own/${encodeURIComponent(dataset?.id)}` }, "Its photographs")),
  );
}

/** @type {Ways["below"]} */
function below({ result }) {
  const { model_id: id, parent, root, classes, validation_images: tried } = result ?? {};
  const trial = makeTrial(id, parent ?? root, root, classes ?? []);
  const report = tried ? makeReport(id) : el("p", { class: "hint" }, "There is no report: no photograph was kept apart to test it with.");
  return el("div", { class: "own-below" }, trial, report);
}
