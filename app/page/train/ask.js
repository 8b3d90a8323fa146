/** The card in which a training is asked for. */

import { curl, curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { PATH } from "./digits.js";
import { makeForm } from "./form.js";
import { makeOrder } from "./order.js";

/**
 * Make the card.
 *
 * @param {import("./params.js").Field[]} fields
 * @param {(id: string) => void} started is told of each job that was made
 */
export function makeAsk(fields, started) {
  const form = makeForm(fields, { first: ["dataset", "steps"], prefix: "train" });
  const order = makeOrder(PATH, "Start training", form.blame, started);
  const box = curlBox("");
  const element = el(
    "form",
    { class: "card train-ask", novalidate: true, "aria-labelledby": "ask-title" },
    el("h2", { id: "ask-title" }, "A new training"),
    form.element,
    el("div", { class: "actions" }, order.button),
    order.words,
    box.element,
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const params = form.values();
    if (params) {
      order.start(params);
    }
  });
  element.addEventListener("input", () => tell());

  function tell() {
    const params = Object.fromEntries(changed());
    const body = ["-X", "POST", "-H", "Content-Type: application/json", "-d", JSON.stringify(params)];
    box.show(curl(PATH, body));
  }

  /** What differs from the defaults, and can be used. */
  function changed() {
    const typed = Object.entries(form.peek());
    const defaults = new Map(fields.map((field) => [field.name, field.value]));
    return typed.filter(([name, value]) => value !== defaults.get(name));
  }

  /** @param {Record<string, any>} params */
  function fill(params) {
    form.fill(params);
    tell();
    element.scrollIntoView({ block: "nearest" });
    form.focus();
  }

  tell();
  return { element, start: order.start, fill };
}
