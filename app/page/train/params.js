/** What a training can be asked for: the bounds are the service's own, from its schema; the words are for people. */

import { getJson } from "../shared/api.js";
import { count } from "./words.js";

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {string} help
 * @property {"integer" | "number" | "choice"} type
 * @property {any} value the default
 * @property {boolean} optional whether it may be left out
 * @property {string[]} choices
 * @property {Bounds} bounds
 *
 * @typedef {{ least?: number, most?: number, above?: number, below?: number }} Bounds
 */

/** @typedef {Record<string, [string, string]>} Words label and explanation; what is not there is called as the schema has it */

/** @type {Words} */
export const DIGITS = {
  dataset: ["Learn from", "MNIST: 70,000 digits that people wrote. Drawn ones are made here, and need no download."],
  steps: ["Steps", "Batches that it learns from. A thousand are enough for 99 %; more take longer."],
  batch_size: ["Batch size", "Images in each step. A larger batch learns more steadily, and takes longer."],
  learning_rate: ["Learning rate", "How far a step moves the weights. Too large never settles, too small crawls."],
  optimizer: ["Optimizer", "How the weights follow the error. Plain SGD wants a larger learning rate."],
  dropout: ["Dropout", "The part of the dense layer that each step leaves out, so that it does not learn by heart."],
  report_every: ["Report every", "Steps from one point of the curves to the next."],
  seed: ["Seed", "The same seed makes the same training again. Empty: one is drawn."],
};

/**
 * Ask the service what can be asked of it.
 *
 * @param {string} path of the call that starts a training
 * @param {Words} words
 * @returns {Promise<Field[]>}
 */
export async function loadFields(path, words) {
  const schema = await getJson("/openapi.json");
  const body = schema.paths[path].post.requestBody.content["application/json"].schema;
  return Object.entries(resolved(schema, body).properties).map(([name, property]) => field(name, property, words));
}

/**
 * Read what was typed or chosen.
 *
 * @param {Field} field
 * @param {string} text
 * @returns {{ value?: any, error?: string }} neither for what was left out
 */
export function read(field, text) {
  const typed = text.trim();
  if (!typed) {
    return field.optional ? {} : { error: `Needs a value, such as ${field.value}.` };
  }
  if (field.type === "choice") {
    return { value: typed };
  }
  const value = Number(typed);
  const whole = field.type === "number" || Number.isInteger(value);
  return Number.isFinite(value) && whole && within(value, field.bounds) ? { value } : { error: `${range(field)}.` };
}

/**
 * Say which values a number may have.
 *
 * @param {Field} field
 */
export function range({ type, bounds: { least, most, above, below } }) {
  const kind = type === "integer" ? "A whole number" : "A number";
  const lower = least === undefined ? above !== undefined && `more than ${above}` : `at least ${written(least)}`;
  const upper = most === undefined ? below !== undefined && `less than ${written(below)}` : `at most ${written(most)}`;
  return [kind, [lower, upper].filter(Boolean).join(", ")].join(": ");
}

/**
 * Say the same in a few words, beside a label; nothing for a choice.
 *
 * @param {Field} field
 */
export function limits({ bounds: { least, most, above, below } }) {
  const lower = least === undefined ? above !== undefined && `above ${above}` : written(least);
  const upper = most === undefined ? below !== undefined && `below ${written(below)}` : written(most);
  return [lower, upper].filter(Boolean).join(" to ");
}

/** @param {number} value */
function written(value) {
  return Number.isInteger(value) ? count(value) : String(value);
}

/**
 * @param {number} value
 * @param {Bounds} bounds
 */
function within(value, { least = -Infinity, most = Infinity, above = -Infinity, below = Infinity }) {
  return value >= least && value <= most && value > above && value < below;
}

/**
 * @param {string} name
 * @param {Record<string, any>} property
 * @param {Words} words
 * @returns {Field}
 */
function field(name, property, words) {
  const shape = property.anyOf?.find((/** @type {any} */ one) => one.type !== "null") ?? property;
  const [label, help] = words[name] ?? [name.replaceAll("_", " "), property.description ?? ""];
  return {
    name,
    label,
    help,
    type: shape.enum ? "choice" : shape.type,
    value: property.default ?? null,
    optional: Boolean(property.anyOf),
    choices: shape.enum ?? [],
    bounds: {
      least: shape.minimum,
      most: shape.maximum,
      above: shape.exclusiveMinimum,
      below: shape.exclusiveMaximum,
    },
  };
}

/**
 * @param {any} schema
 * @param {any} node which may refer to another, alone or as one of several
 * @returns {any}
 */
function resolved(schema, node) {
  const one = node.anyOf?.find((/** @type {any} */ each) => each.$ref) ?? node;
  const path = one.$ref?.slice(2).split("/") ?? [];
  return one.$ref ? path.reduce((/** @type {any} */ at, /** @type {string} */ key) => at[key], schema) : one;
}
