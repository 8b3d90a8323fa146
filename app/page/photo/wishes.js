/** What a person wishes for: which network answers, and how much of a picture it looks at. */

import { el } from "../shared/dom.js";
import { isPretrained, listModels } from "../shared/models.js";

/** @typedef {import("./asking.js").Wishes} Wishes */

/**
 * Make the two choices; that of the network is there only when there is one.
 *
 * @param {() => void} onChange
 * @returns {{ element: HTMLElement, wishes: () => Wishes, refresh: () => Promise<void> }}
 */
export function makeWishes(onChange) {
  const model = el("select", { id: "photo-model", onchange: onChange }, el("option", { value: "" }, "The best there is"));
  const fit = el(
    "select",
    { id: "photo-fit", onchange: onChange },
    el("option", { value: "crop" }, "the middle of the picture"),
    el("option", { value: "stretch" }, "all of it, squeezed to a square"),
  );
  const who = el("div", { class: "field", hidden: true }, el("label", { for: "photo-model" }, "Who answers"), model);
  const what = el("div", { class: "field" }, el("label", { for: "photo-fit" }, "What it looks at"), fit);

  /** Ask which networks can answer; photos are for those that know ImageNet's classes, not for digits. */
  async function refresh() {
    const able = (await listModels()).filter((one) => isPretrained(one) && one.status.state === "ready");
    const chosen = model.value;
    const options = able.map((one) => el("option", { value: one.id }, one.title));
    model.replaceChildren(model.options[0], ...options);
    model.value = able.some((one) => one.id === chosen) ? chosen : "";
    who.hidden = able.length < 2;
  }

  const wishes = () => ({ model: model.value, fit: /** @type {Wishes["fit"]} */ (fit.value) });
  return { element: el("div", { class: "wishes" }, who, what), wishes, refresh };
}
