/** The card in which a training on a data set is asked for. */

import { curl, curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { makeForm } from "../train/form.js";
import { makeOrder } from "../train/order.js";
import { makeBases } from "./bases.js";
import { makeLayers } from "./layers.js";

/** @typedef {import("../train/params.js").Field} Field */

export const PATH = "/jobs/finetune";

/** @type {import("../train/params.js").Words} */
export const WORDS = {
  epochs: ["Epochs", "Times that it goes through all photographs. What the best one has learned is kept."],
  batch_size: ["Batch size", "Photographs in each step. A larger batch learns more steadily."],
  learning_rate: ["Learning rate", "How far a step moves the weights. Too large never settles, too small crawls."],
  optimizer: ["Optimizer", "How the weights follow the error: SGD with momentum is the tutorial's."],
  validation_split: ["Kept apart", "The part of each class that it is only tested with."],
  patience: ["Patience", "Epochs without a better one after which it ends. Empty: it goes on to the last."],
  seed: ["Seed", "The same seed makes the same training again. Empty: one is drawn."],
};
const CHANGES = { flip: "mirrored", crop: "cut otherwise", colour: "in other light" };

/**
 * Make the card.
 *
 * @param {Field[]} fields all that the call takes
 * @param {(id: string) => void} started is told of each job that was made
 */
export function makeRecipe(fields, started) {
  const plain = fields.filter((field) => Object.hasOwn(WORDS, field.name));
  const layers = makeLayers();
  const bases = makeBases((found) => {
    layers.show(found);
    tell();
  });
  const changes = makeChanges();
  const balanced = el("input", { type: "checkbox", id: "own-balanced" });
  const balance = el("p", { class: "own-check" }, balanced, el("label", { for: "own-balanced" }, "Classes with few photographs count more"));
  const form = makeForm(plain, { first: ["epochs"], prefix: "own" }, changes.element, balance);
  const order = makeOrder(PATH, "Start learning", form.blame, started);
  const box = curlBox("");
  const element = el(
    "form",
    { class: "card train-ask own-ask", novalidate: true, "aria-labelledby": "own-ask-title" },
    el("h2", { id: "own-ask-title" }, "Teach a network these classes"),
    el("div", { class: "own-choices" }, el("div", { class: "train-fields" }, bases.element, layers.element), form.element),
    el("div", { class: "actions" }, order.button),
    order.words,
    box.element,
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = form.values();
    if (typed) {
      order.start(asked(typed));
    }
  });
  element.addEventListener("input", () => tell());
  element.addEventListener("pointerup", () => tell());
  let datasetId = "";

  /** @param {Record<string, any>} typed */
  function asked(typed) {
    const augment = changes.chosen();
    return {
      dataset_id: datasetId,
      base: bases.value(),
      freeze: layers.value(),
      ...typed,
      ...(augment.length && { augment }),
      ...(balanced.checked && { class_weights: "balanced" }),
    };
  }

  function tell() {
    const defaults = new Map(plain.map((field) => [field.name, field.value]));
    const changed = Object.entries(form.peek()).filter(([name, value]) => value !== defaults.get(name));
    const body = JSON.stringify(asked(Object.fromEntries(changed)));
    box.show(curl(PATH, ["-X", "POST", "-H", "Content-Type: application/json", "-d", body]));
  }

  /**
   * Put a training's parameters into the form.
   *
   * @param {Record<string, any>} params
   */
  async function fill(params) {
    await bases.choose(params.base);
    layers.choose(params.freeze);
    form.fill(params);
    changes.choose(params.augment ?? []);
    balanced.checked = params.class_weights === "balanced";
    tell();
    element.scrollIntoView({ block: "nearest" });
    form.focus();
  }

  return {
    element,
    start: order.start,
    fill,
    refresh: () => bases.refresh(),
    /** Say on which data set, and whether it can be learned from. */
    about(/** @type {string} */ id, /** @type {boolean} */ able) {
      datasetId = id;
      order.button.toggleAttribute("disabled", !able);
      order.clear();
      tell();
    },
  };
}

function makeChanges() {
  const boxes = Object.entries(CHANGES).map(([value, label]) => {
    const input = el("input", { type: "checkbox", id: `own-augment-${value}`, value });
    return { input, element: el("p", { class: "own-check" }, input, el("label", { for: input.id }, label)) };
  });
  const legend = el("legend", {}, "Each photograph also, by chance");
  const hint = el("p", { class: "hint" }, "More to learn from, but it takes far longer: nothing of it can be computed once for all.");
  return {
    element: el("fieldset", { class: "own-changes" }, legend, ...boxes.map(({ element }) => element), hint),
    chosen: () => boxes.filter(({ input }) => input.checked).map(({ input }) => input.value),
    choose(/** @type {string[]} */ values) {
      boxes.forEach(({ input }) => (input.checked = values.includes(input.value)));
    },
  };
}
