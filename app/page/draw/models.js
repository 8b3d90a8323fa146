/** Which network answers: the best, the latest, or one of all that were trained here. */

import { getJson } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { KIND } from "../train/digits.js";
import { percent, recipe, when } from "../train/words.js";

/** @typedef {{ id: string, aliases: string[], trained: ?Record<string, any> }} Model */

const NAMES = { best: "The best", latest: "The latest" };

/** Make the choice. */
export function makeChoice(/** @type {() => void} */ changed) {
  const select = el("select", { id: "draw-model", onchange: changed });
  const element = el("div", { class: "field" }, el("label", { for: "draw-model" }, "Who answers"), select);
  /** @type {Model[]} */
  let models = [];

  /**
   * Ask which networks there are, and say whether there is one.
   *
   * @returns {Promise<{ any: boolean, trouble: ?string }>}
   */
  async function refresh() {
    const answer = await getJson("/models?sort=test_accuracy");
    models = answer.data.filter((/** @type {Model} */ { trained }) => trained?.kind === KIND);
    fill();
    return { any: models.length > 0, trouble: answer.trouble };
  }

  function fill() {
    const chosen = select.value;
    const named = Object.entries(NAMES).flatMap(([alias, words]) => {
      const model = models.find((one) => one.aliases.includes(alias));
      return model ? [option(alias, `${words} (${percent(model.trained?.test_accuracy)})`)] : [];
    });
    const each = models.map((model) => option(model.id, described(model)));
    select.replaceChildren(...named, el("optgroup", { label: "Each, the best first" }, ...each));
    choose(chosen);
  }

  /**
   * Choose a network by its id or alias, where there is such a one; else the first.
   *
   * @param {string} name
   */
  function choose(name) {
    const values = [...select.options].map((one) => one.value);
    select.value = values.includes(name) ? name : (values[0] ?? "");
  }

  return {
    element,
    refresh,
    choose,
    get chosen() {
      return select.value;
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

/** @param {Model} model */
function described({ trained }) {
  const { created_at, test_accuracy, params, changed_params } = trained ?? {};
  return `${percent(test_accuracy, 2)} · ${when(created_at)} · ${recipe(params, changed_params)}`;
}
