/** The networks that the service has, and what people call the pretrained ones. */

import { getJson } from "./api.js";

/** @typedef {{ id: string, title: string, status: { state: string }, trained: ?Record<string, any> }} Model */

/** @type {Map<string, string>} titles of the pretrained networks by their ids, as they were listed last */
const titles = new Map();

/** @returns {Promise<Model[]>} all networks, in the service's order: what it serves first is the first */
export async function listModels({ quiet = true } = {}) {
  /** @type {{ data: Model[] }} */
  const { data } = await getJson("/models", { quiet });
  data.filter(isPretrained).forEach(({ id, title }) => titles.set(id, title));
  return data;
}

/** @param {Model} model */
export function isPretrained({ trained }) {
  return trained === null;
}

/**
 * @param {string} id of a network
 * @returns {string} what people call it: its title where it is pretrained and was listed, or else its id
 */
export function title(id) {
  return titles.get(id) ?? id;
}
