/** A base's layers as a picture: those that keep what they know, and those that learn; and how many, to be chosen. */

import { el, svg } from "../shared/dom.js";
import { count } from "../train/words.js";

/** @typedef {import("../layers/index.js").Layer} Layer */

const LEARNING = 3; // layers, where nobody says otherwise: the tutorial's
const HEIGHT = 60;
const [LEAST, MOST] = [10, 52]; // heights of a layer
const GAP = 0.28; // of a layer's width
const KEYS = { frozen: "stays", learning: "learns", new: "is new" };

/**
 * Make the choice.
 *
 * @returns {{ element: HTMLElement, show: (layers: Layer[]) => void, value: () => number, choose: (freeze: ?number) => void }}
 */
export function makeLayers() {
  const slider = el("input", { type: "range", id: "own-freeze", min: 0, step: 1, "aria-describedby": "own-freeze-words", oninput: draw });
  const words = el("p", { class: "hint", id: "own-freeze-words" });
  const drawing = svg("svg", { class: "own-layers", "aria-hidden": "true", preserveAspectRatio: "none" });
  const label = el("label", { for: "own-freeze" }, "Layers that stay as they are");
  const keys = Object.entries(KEYS).map(([kind, name]) => el("span", { class: `own-key ${kind}` }, name));
  const legend = el("p", { class: "hint own-legend", "aria-hidden": "true" }, ...keys);
  const element = el("div", { class: "field own-freeze" }, label, drawing, slider, legend, words);
  drawing.addEventListener("pointerdown", (event) => {
    const { left, width } = drawing.getBoundingClientRect();
    slider.value = String(Math.round(((event.clientX - left) / width) * layers.length));
    draw();
  });
  /** @type {Layer[]} */
  let layers = [];

  function draw() {
    const freeze = Number(slider.value);
    drawing.setAttribute("viewBox", `0 0 ${Math.max(1, layers.length)} ${HEIGHT}`);
    drawing.replaceChildren(...layers.map((layer, place) => drawn(layer, place, place < freeze, place === layers.length - 1)));
    words.textContent = said(layers, freeze);
    slider.setAttribute("aria-valuetext", `${freeze} of ${layers.length}`);
  }

  return {
    element,
    value: () => Number(slider.value),
    /** Show another base; all of its layers but the last three stay. The same one is shown as it is. */
    show(next) {
      if (next === layers) {
        return;
      }
      layers = next;
      slider.max = String(Math.max(0, layers.length - 1)); // the last is a new one in any case
      slider.value = String(Math.max(0, layers.length - LEARNING));
      draw();
    },
    /** Choose how many stay; null is what the service does where nobody says. */
    choose(freeze) {
      slider.value = String(freeze ?? Math.max(0, layers.length - LEARNING));
      draw();
    },
  };
}

/**
 * A layer: as high as the picture that it gives on, by its root.
 *
 * @param {Layer} layer
 * @param {number} place
 * @param {boolean} frozen
 * @param {boolean} last which is a new one in any case
 */
function drawn({ output }, place, frozen, last) {
  const side = output.length === 1 ? 1 : output[0];
  const height = LEAST + (MOST - LEAST) * Math.sqrt(side / 224);
  const kind = last ? "new" : frozen ? "frozen" : "learning";
  const y = (HEIGHT - height) / 2;
  return svg("rect", { x: place + GAP / 2, y, width: 1 - GAP, height, class: `own-layer ${kind}` });
}

/**
 * @param {Layer[]} layers
 * @param {number} freeze
 */
function said(layers, freeze) {
  if (!layers.length) {
    return "";
  }
  const learning = layers.slice(freeze);
  const numbers = learning.slice(0, -1).reduce((sum, layer) => sum + layer.parameters, 0);
  const stay = freeze ? `The first ${count(freeze)} of ${count(layers.length)} keep what they know` : "Every layer learns";
  const others = learning.length > 1 ? `, ${millions(numbers)} numbers and a new last layer learn.` : ", a new last layer learns alone.";
  return freeze ? stay + others : `${stay}: ${millions(numbers)} numbers, and a new last layer.`;
}

/** @param {number} number */
function millions(number) {
  return number < 1e6 ? count(number) : `${(number / 1e6).toFixed(1)} million`;
}
