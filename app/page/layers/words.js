/** Layers in words and numbers. */

/** @typedef {import("./index.js").Layer} Layer */

/** @type {Record<number, string>} */
const WORDS = { 13: "Thirteen", 16: "Sixteen" };
/** @type {Record<number, string>} */
const FEW = { 1: "one dense layer decides", 3: "three dense layers decide" };
const NUMBERS = new Intl.NumberFormat("en");

/**
 * @param {number} number
 * @returns {string} such as `102,764,544`
 */
export function count(number) {
  return NUMBERS.format(number);
}

/**
 * @param {Layer} layer
 * @returns {string} such as `224 × 224 × 64`, or `4,096`
 */
export function shape({ output }) {
  return output.map(count).join(" × ");
}

/**
 * @param {Layer} layer
 * @returns {string} such as `conv 1.2` or `project 3`
 */
export function short({ name }) {
  const [, block, part, number] = name.match(/^block(\d+)_([a-z]+)(\d*)$/) ?? [];
  return block ? `${part} ${block}${number && `.${number}`}` : name;
}

/**
 * @param {Layer} layer
 * @returns {string} such as `3 × 3 convolution of 64 channels`
 */
export function does({ kind, kernel }) {
  const [inputs] = kernel.slice(-2);
  const window = kernel.length === 4 ? `${kernel[0]} × ${kernel[1]} ` : "";
  return `${window}${kind} of ${count(inputs)} ${kernel.length === 4 ? "channels" : "inputs"}`;
}

/**
 * @param {Layer[]} layers
 * @returns {string} how many of them are convolutions, such as `Thirteen convolutions`
 */
export function convolutions(layers) {
  const found = layers.filter(({ kind }) => kind.endsWith("convolution")).length;
  return `${WORDS[found] ?? found} convolutions`;
}

/**
 * @param {Layer[]} layers
 * @returns {string} what the dense ones among them do, such as `three dense layers decide`
 */
export function denseLayers(layers) {
  const found = layers.filter(({ kind }) => kind === "dense").length;
  return FEW[found] ?? `${found} dense layers decide`;
}
