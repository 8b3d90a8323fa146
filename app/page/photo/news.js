/** The news about who answers: a stand-in, a download, trouble, or weights that mean nothing. */

import { announce } from "../shared/announce.js";
import { el } from "../shared/dom.js";
import { title } from "../shared/models.js";
import { size } from "./phrases.js";

/** @typedef {import("../shared/readiness.js").Readiness} Readiness */
/** @typedef {import("../shared/readiness.js").ModelStatus} ModelStatus */

/**
 * Make the place where the news is shown.
 *
 * @returns {{ element: HTMLElement, show: (readiness: Readiness) => void }}
 */
export function makeNews() {
  const element = el("div", { class: "news" });
  const bar = el("progress", { max: "1", "aria-label": "Download of the weights" });
  let said = "";
  let before = "";

  /** @param {Readiness} readiness */
  function show(readiness) {
    const [primary] = readiness.models;
    const state = primary?.state ?? "unknown";
    if (before && before !== "ready" && state === "ready") {
      announce(`${title(primary.id)} answers now.`);
    }
    before = state;
    const next = JSON.stringify([readiness, readiness.models.map(({ id }) => title(id))]);
    if (next !== said) {
      said = next;
      element.replaceChildren(...notices(readiness, bar));
    }
  }

  return { element, show };
}

/**
 * @param {Readiness} readiness
 * @param {HTMLProgressElement} bar
 * @returns {HTMLElement[]}
 */
function notices({ reachable, detail, models }, bar) {
  if (!reachable) {
    return [notice("error", detail)];
  }
  const [primary] = models;
  if (!primary) {
    return detail ? [notice("warning", detail)] : [];
  }
  if (primary.state === "ready") {
    return /\brandom weights\b/.test(primary.detail) ? [notice("warning", primary.detail)] : [];
  }
  return [waiting(primary, bar)];
}

/**
 * @param {ModelStatus} primary
 * @param {HTMLProgressElement} bar
 * @returns {HTMLElement}
 */
function waiting(primary, bar) {
  const { answered_by: by, trouble, action, downloaded_bytes: done, total_bytes: total } = primary;
  const lead = by ? `${title(by)} answers in ${title(primary.id)}'s place: a real network, but a smaller one. ` : "";
  const made = notice(primary.state === "failed" ? "error" : "warning", lead + primary.detail);
  if (primary.state === "downloading" && total && (done || !trouble)) {
    bar.value = (done ?? 0) / total;
    made.append(bar, el("p", { class: "hint numbers" }, `${size(done ?? 0)} of ${size(total)} are here`));
  }
  if (trouble || action) {
    made.append(help(trouble, action));
  }
  return made;
}

/**
 * @param {string | null} trouble
 * @param {string | null} action
 * @returns {HTMLElement}
 */
function help(trouble, action) {
  return el(
    "details",
    {},
    el("summary", {}, "What is wrong, and what to do"),
    trouble && el("p", { class: "hint" }, ...coded(trouble)),
    action && el("p", { class: "hint" }, ...coded(action)),
  );
}

/**
 * @param {"warning" | "error"} kind
 * @param {string} text
 * @returns {HTMLElement}
 */
function notice(kind, text) {
  return el("div", { class: `notice ${kind}` }, el("p", {}, ...coded(text)));
}

/**
 * @param {string} text with commands between backticks
 * @returns {(string | HTMLElement)[]}
 */
function coded(text) {
  return text.split("`").map((part, place) => (place % 2 ? el("code", {}, part) : part));
}
