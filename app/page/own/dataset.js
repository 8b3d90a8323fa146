/** One data set: its classes with a few of their photographs, what was refused and why, what is there several times. */

import { ApiError, request } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { size } from "../photo/phrases.js";
import { makeButton } from "../train/button.js";
import { count, several, when } from "../train/words.js";
import { makePhotograph } from "./photograph.js";

/** @typedef {import("./sending.js").Dataset} Dataset */
/** @typedef {import("./sending.js").ClassInfo} ClassInfo */

const MOST = 50; // files that are named of those refused, and of those that are there several times

/**
 * Make the view.
 *
 * @param {Dataset} dataset
 * @param {() => void} removed
 * @returns {HTMLElement}
 */
export function makeDataset(dataset, removed) {
  const { id, name, images, bytes, classes, created_at } = dataset;
  const trouble = el("div", { class: "own-trouble", role: "alert" });
  const facts = `${several(images, "photograph")} of ${several(classes.length, "class", "classes")}, ${size(bytes)}, sent ${when(created_at)}`;
  return el(
    "div",
    { class: "card own-set" },
    el("header", { class: "train-head" }, el("h2", { class: "own-name", tabindex: -1 }, name), el("p", { class: "hint numbers" }, facts)),
    ...warnings(dataset),
    el("ul", { class: "own-classes", role: "list" }, ...classes.map((each) => makeClass(id, each))),
    rejected(dataset),
    duplicates(dataset),
    trouble,
    el("div", { class: "actions" }, makeRemoval(id, removed, trouble)),
  );
}

/**
 * @param {Dataset} dataset
 * @returns {HTMLElement[]}
 */
function warnings({ classes, duplicates_between_classes: between }) {
  const few = classes.filter((each) => each.images < 10).map((each) => each.name);
  const words = [
    classes.length < 2 && "It takes two classes at least to tell something apart. Add a folder of another class.",
    classes.length > 1 && few.length > 0 && `There are few photographs of ${few.slice(0, 5).join(", ")}. With thirty or more of each it learns much better.`,
    between > 0 && `${several(between, "photograph is", "photographs are")} in several classes at once: of which one cannot be learned from that.`,
  ];
  return words.flatMap((text) => (text ? [el("p", { class: "notice warning" }, text)] : []));
}

/**
 * @param {string} id
 * @param {ClassInfo} info
 */
function makeClass(id, { name, images, width, height, samples }) {
  const photographs = samples.map((sha256, place) => makePhotograph(id, sha256, `${name}, example ${place + 1}`));
  return el(
    "li",
    { class: "own-class" },
    el("p", { class: "own-class-name" }, el("strong", { class: "own-name" }, name), " ", el("span", { class: "hint numbers" }, count(images))),
    el("div", { class: "own-samples" }, ...photographs),
    el("p", { class: "hint numbers" }, `${extent(width)} × ${extent(height)} pixels`),
  );
}

/** @param {Dataset} dataset */
function rejected({ rejected: files, rejected_total: total }) {
  const rows = files.slice(0, MOST).map(({ path, reason }) => el("li", {}, el("code", {}, path), ` ${reason}`));
  return total > 0 && folded(`${count(total)} refused: which, and why`, rows, total);
}

/** @param {Dataset} dataset */
function duplicates({ id, duplicates: found, duplicates_total: total }) {
  const rows = found.slice(0, MOST).map(({ sha256, photographs }) =>
    el("li", { class: "own-duplicate" }, makePhotograph(id, sha256, ""), el("code", {}, photographs.map(({ path }) => path).join(" = "))),
  );
  return total > 0 && folded(`${count(total)} there several times, none of which is both learned from and tested with`, rows, total);
}

/**
 * @param {string} summary
 * @param {HTMLElement[]} rows
 * @param {number} total
 */
function folded(summary, rows, total) {
  const rest = total > rows.length && el("li", { class: "hint" }, `and ${count(total - rows.length)} more`);
  return el("details", { class: "own-files" }, el("summary", {}, summary), el("ul", { role: "list" }, ...rows, rest));
}

/**
 * A button that asks once more in its own place.
 *
 * @param {string} id
 * @param {() => void} removed
 * @param {HTMLElement} trouble
 */
function makeRemoval(id, removed, trouble) {
  let sure = false;
  const button = makeButton("Remove this data set", remove, "quiet danger");

  async function remove() {
    if (!sure) {
      sure = true;
      button.textContent = "Remove it for good?";
      button.addEventListener("blur", () => {
        sure = false;
        button.textContent = "Remove this data set";
      }, { once: true });
      return;
    }
    try {
      await request(`/datasets/${encodeURIComponent(id)}`, { method: "DELETE" });
      removed();
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      trouble.replaceChildren(el("p", { class: "notice error" }, error.detail));
    }
  }

  return button;
}

/** @param {import("./sending.js").Range} range of pixels */
function extent({ min, max }) {
  return min === max ? count(min) : `${count(min)}–${count(max)}`;
}
