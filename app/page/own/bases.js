/** The networks that a training can begin with, and the choice of one. */

import { getJson } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { when } from "../train/words.js";

/** @typedef {import("../layers/index.js").Layer} Layer */
/** @typedef {{ id: string, title: string, status: { state: string }, trained: ?Record<string, any> }} Model */

export const KIND = "finetune"; // as jobs and models name it
/** @type {Record<string, string>} */
export const ROOTS = { vgg16: "VGG16", vgg19: "VGG-19", "efficientnet-lite0": "EfficientNet-Lite0" };

/**
 * Make the choice.
 *
 * @param {(layers: Layer[]) => void} changed is told the layers of the network that is chosen
 */
export function makeBases(changed) {
  const select = el("select", { id: "own-base", onchange: () => look() });
  const words = el("p", { class: "hint", id: "own-base-help" });
  select.setAttribute("aria-describedby", words.id);
  const element = el("div", { class: "field" }, el("label", { for: select.id }, "Begin with"), select, words);
  /** @type {Map<string, Model>} */
  let models = new Map();
  /** @type {Map<string, Promise<Layer[]>>} */
  const layers = new Map();

  /** Ask which networks there are; the one that is chosen stays. */
  async function refresh() {
    const { data } = await getJson("/models", { quiet: true });
    models = new Map(data.map((/** @type {Model} */ one) => [one.id, one]));
    const chosen = select.value;
    const own = [...models.values()].filter(({ trained }) => trained?.kind === KIND);
    const roots = Object.entries(ROOTS).map(([id, title]) => option(id, title + (usable(id) ? "" : " (its weights are not here yet)")));
    const trained = own.map(({ id, trained: about }) => option(id, `${about?.dataset?.name}, ${when(about?.created_at)}`));
    select.replaceChildren(...roots, ...(trained.length ? [el("optgroup", { label: "Fine-tuned here" }, ...trained)] : []));
    const first = Object.keys(ROOTS).find(usable) ?? "vgg16";
    select.value = [...select.options].some((one) => one.value === chosen) ? chosen : first;
    await look();
  }

  /** @param {string} id of a root */
  function usable(id) {
    return models.get(id)?.status.state === "ready";
  }

  async function look() {
    const wanted = select.value;
    const trained = models.get(wanted)?.trained;
    words.textContent = trained ? "A network that was fine-tuned here learns other classes." : "A network that knows the thousand classes of ImageNet.";
    const root = trained ? (trained.root ?? wanted) : wanted;
    if (!layers.has(root)) {
      layers.set(root, getJson(`/models/${encodeURIComponent(root)}`, { quiet: true }).then((model) => model.layers));
      layers.get(root)?.catch(() => layers.delete(root));
    }
    const found = await layers.get(root);
    if (select.value === wanted && found) {
      changed(found);
    }
  }

  return {
    element,
    refresh,
    value: () => select.value,
    /** Choose a network, where it is there. */
    async choose(/** @type {string} */ id) {
      if ([...select.options].some((one) => one.value === id)) {
        select.value = id;
        await look();
      }
    },
  };
}

/**
 * @param {string} value
 * @param {string} words
 */
function option(value, words) {
  return el("option", { value }, words);
}
