/** The form for a new training. */

import { el } from "../shared/dom.js";
import { limits, read } from "./params.js";
import { DATASET } from "./words.js";

/** @typedef {import("./params.js").Field} Field */

/** @type {Record<string, string>} what a choice is called */
const CHOICES = { ...DATASET, adam: "Adam", sgd: "SGD" };

/**
 * Make the form's fields.
 *
 * @param {Field[]} fields
 * @param {{ first: string[], prefix: string }} how `first`: what everybody sees, the others are a click away; `prefix`:
 *   of the fields' ids
 * @param {...HTMLElement} further what else is a click away
 */
export function makeForm(fields, { first, prefix }, ...further) {
  const rows = new Map(fields.map((field) => [field.name, makeRow(field, prefix)]));
  const seen = [...rows.values()].filter((row) => first.includes(row.field.name));
  seen.sort((one, other) => first.indexOf(one.field.name) - first.indexOf(other.field.name));
  const others = [...rows.values()].filter((row) => !seen.includes(row));
  const more = el(
    "details",
    { class: "train-more" },
    el("summary", {}, "More to choose"),
    el("div", { class: "train-fields" }, ...others.map((row) => row.element), ...further),
  );
  const element = el("div", { class: "train-fields" }, ...seen.map((row) => row.element), more);

  /** @param {Row} row */
  function show(row) {
    more.open ||= others.includes(row);
    row.input.focus();
  }

  /** What stands in the fields and can be used. */
  function peek() {
    const answers = [...rows.values()].map(({ field, input }) => [field.name, read(field, input.value).value]);
    return Object.fromEntries(answers.filter(([, value]) => value !== undefined));
  }

  /** What stands in the fields; null where some of it cannot be used, which is marked then. */
  function values() {
    const wrong = [...rows.values()].filter((row) => row.check().error);
    if (wrong.length) {
      show(wrong[0]);
    }
    return wrong.length ? null : peek();
  }

  /**
   * Put parameters into the fields, and the defaults for what they lack.
   *
   * @param {Record<string, any>} params
   */
  function fill(params) {
    for (const [name, row] of rows) {
      row.input.value = String(params[name] ?? row.field.value ?? "");
      row.say("");
      more.open ||= others.includes(row) && row.input.value !== String(row.field.value ?? "");
    }
  }

  /**
   * Mark one field, and say whether there is such a one.
   *
   * @param {string} name
   * @param {string} words
   */
  function blame(name, words) {
    const row = rows.get(name);
    row?.say(words);
    if (row) {
      show(row);
    }
    return Boolean(row);
  }

  return { element, peek, values, fill, blame, focus: () => seen[0].input.focus() };
}

/** @typedef {ReturnType<typeof makeRow>} Row */

/**
 * @param {Field} field
 * @param {string} prefix
 */
function makeRow(field, prefix) {
  const id = `${prefix}-${field.name}`;
  const notes = { "aria-describedby": `${id}-help ${id}-error` };
  const input = field.type === "choice" ? makeSelect(field, { id, ...notes }) : makeInput(field, { id, ...notes });
  const error = el("p", { class: "error", id: `${id}-error` });
  const help = el("p", { class: "hint", id: `${id}-help` }, field.help);
  const label = el("label", { for: id }, field.label, " ", el("span", { class: "hint numbers" }, limits(field)));
  const element = el("div", { class: "field" }, label, input, help, error);

  /** @param {string} words */
  function say(words) {
    error.textContent = words;
    input.setAttribute("aria-invalid", String(Boolean(words)));
  }

  function check() {
    const answer = read(field, input.value);
    say(answer.error ?? "");
    return answer;
  }

  // Not blamed before it is sent: what moves while somebody reaches for the button makes a click miss it.
  input.addEventListener("input", () => say(""));
  return { field, element, input, say, check };
}

/**
 * @param {Field} field
 * @param {Record<string, string>} attributes
 */
function makeInput(field, attributes) {
  const keys = field.type === "integer" ? "numeric" : "decimal";
  const digits = { inputmode: keys, autocomplete: "off", spellcheck: "false" };
  const value = field.value === null ? "" : String(field.value);
  return el("input", { ...attributes, ...digits, name: field.name, value });
}

/**
 * @param {Field} field
 * @param {Record<string, string>} attributes
 */
function makeSelect(field, attributes) {
  const options = field.choices.map((choice) =>
    el("option", { value: choice, selected: choice === field.value }, CHOICES[choice] ?? choice),
  );
  return el("select", { ...attributes, name: field.name }, ...options);
}
