/** How a training ended, in words, and what can be done next. */

import { el } from "../shared/dom.js";
import { currentKey } from "../shared/key.js";
import { save } from "../shared/save.js";
import { makeButton } from "./button.js";
import { count, percent, span } from "./words.js";

/** @typedef {import("./course.js").Course} Course */
/** @typedef {import("./panel.js").Wishes} Wishes */

/** @type {Record<string, string>} what an error's code means to who started the training */
const REASONS = {
  "dataset-unavailable": "The digits to learn from cannot be had.",
  "device-unavailable": "The worker lacks the device that it was told to train on.",
  diverged: "It did not learn: its numbers grew without bound.",
  "disk-full": "The worker's disk is full.",
  "disk-unavailable": "The worker's disk cannot be used.",
  "worker-lost": "Its worker was lost, time and again.",
  "time-limit": "It took longer than a training may.",
};

/**
 * Say how a training ended.
 *
 * @param {Course} course which is over
 * @param {Wishes} wishes
 */
export function makeEnding(course, wishes) {
  if (course.status === "succeeded" && course.result) {
    return success(course.result);
  }
  return course.status === "failed" ? failure(course, wishes) : cancelled(course, wishes);
}

/** @param {Record<string, any>} result */
function success(result) {
  const drawn = result.dataset?.name === "synthetic-digits";
  const figure = el("p", { class: "train-score numbers" }, percent(result.test_accuracy, 2));
  const seconds = result.training_seconds === undefined ? "" : `, after ${span(result.training_seconds)} of learning`;
  const words = `of ${drawn ? "drawn" : "test"} digits that it had not seen before are told right${seconds}.`;
  const plus = `On those that it learned from: ${percent(result.train_accuracy, 2)}.`;
  const path = `/models/${encodeURIComponent(result.model_id)}/download`;
  const size = result.bytes ? ` (${(result.bytes / 1e6).toFixed(1)} MB)` : "";
  return el(
    "div",
    { class: "train-success" },
    el("div", { class: "train-verdict" }, figure, el("p", {}, words, " ", el("span", { class: "hint" }, plus))),
    el(
      "div",
      { class: "actions" },
      el("a", { class: "button primary", href: `#draw/${encodeURIComponent(result.model_id)}` }, "Draw a digit for it"),
      makeDownload(path, `${result.model_id}.keras`, `Download the .keras file${size}`),
    ),
  );
}

/**
 * Make a link to a file. A key cannot be sent by a link: where there is one the file is fetched, and then saved.
 *
 * @param {string} path
 * @param {string} name
 * @param {string} label
 */
function makeDownload(path, name, label) {
  const link = el("a", { class: "button", href: path, download: name }, label);
  link.addEventListener("click", (event) => {
    if (currentKey()) {
      event.preventDefault();
      save(path, name);
    }
  });
  return link;
}

/**
 * @param {Course} course
 * @param {Wishes} wishes
 */
function failure({ error, params }, wishes) {
  const reason = (error && REASONS[error.code]) ?? "It could not be finished.";
  const drawn = { ...params, dataset: "synthetic-digits" };
  const instead = error?.code === "dataset-unavailable" && params.dataset !== "synthetic-digits";
  return el(
    "div",
    { class: "notice error train-failure" },
    el("p", {}, el("strong", {}, reason), " ", sentence(error?.detail ?? "")),
    instead && el("p", {}, "Digits that this program draws need no download, and do for a start."),
    el(
      "div",
      { class: "actions" },
      instead && makeButton("Learn from drawn digits instead", () => wishes.repeat(drawn), "primary"),
      makeButton("Try again", () => wishes.repeat(params)),
      makeButton("Change the parameters", () => wishes.reuse(params)),
    ),
  );
}

/**
 * @param {Course} course
 * @param {Wishes} wishes
 */
function cancelled({ progress, params }, wishes) {
  const steps = `${count(progress.step)} of ${count(progress.total_steps || params.steps)} steps`;
  const words = progress.step ? `It was cancelled after ${steps}.` : "It was cancelled before its first step.";
  const again = makeButton("Start it again", () => wishes.repeat(params));
  return el("div", { class: "notice train-failure" }, el("p", {}, words), el("div", { class: "actions" }, again));
}

/** @param {string} text */
function sentence(text) {
  return text && !/[.!?]$/.test(text) ? `${text}.` : text;
}
