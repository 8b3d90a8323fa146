/** One question to the service: what is this picture of? */

import { ApiError, getJson } from "../shared/api.js";
import { curl } from "../shared/curl.js";
import { size } from "./phrases.js";

/**
 * @typedef {{ model: string, fit: "crop" | "stretch" }} Wishes `model` is empty for whoever answers
 *
 * @typedef {object} Answer as `POST /classify` gives it
 * @property {{ id: string, weights: string, stand_in_for: string | null, stand_in_reason: string | null }} model
 * @property {{ label: string, score: number, index: number }[]} predictions
 * @property {{ width: number, height: number, format: string }} image
 * @property {{ decode: number, queue: number, inference: number, total: number }} timing_ms
 */

const TIMEOUT = 150; // seconds: the service takes 120 for a slow upload, and 30 for an answer

/** @type {Promise<{ max_body_bytes: number }> | undefined} */
let limits;

/**
 * Ask.
 *
 * @param {File} file
 * @param {Wishes} wishes
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function ask(file, wishes, signal) {
  await checkSize(file);
  const body = new FormData();
  body.append("file", file);
  return getJson(path(wishes), { method: "POST", body, signal, timeout: TIMEOUT });
}

/**
 * Write the same question as a curl line.
 *
 * @param {File} file
 * @param {Wishes} wishes
 * @returns {string}
 */
export function curlLine(file, wishes) {
  const plain = !/[;,"\\]/.test(file.name); // which curl reads as its own
  const name = plain ? file.name : `"${file.name.replaceAll(/["\\]/g, "\\$&")}"`;
  return curl(path(wishes), ["-F", `file=@${name}`]);
}

/**
 * @param {Wishes} wishes
 * @returns {string}
 */
function path({ model, fit }) {
  const query = new URLSearchParams();
  if (model) {
    query.set("model", model);
  }
  if (fit !== "crop") {
    query.set("fit", fit);
  }
  return query.size ? `/classify?${query}` : "/classify";
}

/**
 * A connection that is closed in the middle of an upload looks like a network that is away: a file that would be
 * refused is not sent.
 *
 * @param {File} file
 */
async function checkSize(file) {
  limits ??= getJson("/page/limits.json");
  const { max_body_bytes: most } = await limits.catch((error) => {
    limits = undefined;
    throw error;
  });
  if (file.size + 1024 > most) {
    const sizes = `${size(file.size)}, and at most ${size(most)} are accepted`;
    throw new ApiError(`This file is too large: it has ${sizes}. Send a smaller one.`, { status: 413 });
  }
}
