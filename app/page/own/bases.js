/** The networks that a training can begin with, and the choice of one. */

import { getJson } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { isPretrained, listModels } from "../shared/models.js";
import { when } from "../train/words.js";

/** @typedef {import("../layers/index.js").Layer} Layer */
/** @typedef {import("../shared/models.js").Model} Model */

export const KIND = "finetune"; // as jobs and models name it

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
    const listed = await listModels();
    models = new Map(listed.map((one) => [one.id, one]));
    const chosen = select.value;
    const pretrained = listed.filter(isPretrained);
    const own = listed.filter(({ trained }) => trained?.kind === KIND);
    const roots = pretrained.map((one) => option(one.id, one.title + (isReady(one) ? "" : " (its weights are not here yet)")));
    const trained = own.map(({ id, trained: about }) => option(id, `${about?.dataset?.name}, ${when(about?.created_at)}`));
    select.replaceChildren(...roots, ...(trained.length ? [el("optgroup", { label: "Fine-tuned here" }, ...trained)] : []));
    const first = (pretrained.find(isReady) ?? pretrained[0]).id;
    select.value = [...select.options].some((one) => one.value === chosen) ? chosen : first;
    await look();
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

/** @param {Model} model */
function isReady({ status }) {
  return status.state === "ready";
}

/**
 * @param {string} value
 * @param {string} words
 */
function option(value, words) {
  return el("option", { value }, words);
}
