/** The start of a training: once, however often it is asked for, and patiently where the service is not ready. */

import { ApiError, postJson } from "../shared/api.js";

/** @typedef {import("./course.js").Job} Job */

const ATTEMPTS = 5;
const PAUSE = 2; // seconds, where the service names none
const LONGEST = 10; // seconds

/**
 * Make a function that starts trainings. What was asked for and not answered keeps its key, so that asking once more
 * for the same finds the job that the first call may have made.
 *
 * @param {string} path of the call
 * @returns {(params: Record<string, any>, waiting: (words: string) => void) => Promise<Job>} `waiting` is told of each
 *   attempt that was in vain; the last one's error is thrown
 */
export function makeStarter(path) {
  let open = { body: "", key: "" };
  return async (params, waiting) => {
    const body = JSON.stringify(params);
    open = open.body === body ? open : { body, key: newKey() };
    const job = await patiently(() => post(path, params, open.key), waiting);
    open = { body: "", key: "" };
    return job;
  };
}

/**
 * @param {string} path
 * @param {Record<string, any>} params
 * @param {string} key
 * @returns {Promise<Job>}
 */
function post(path, params, key) {
  return postJson(path, params, { headers: { "Idempotency-Key": key } });
}

/**
 * @param {() => Promise<Job>} call
 * @param {(words: string) => void} waiting
 */
async function patiently(call, waiting) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof ApiError) || !passing(error)) {
        throw error;
      }
      const seconds = Math.min(error.retryAfter ?? PAUSE, LONGEST);
      waiting(`${error.detail} The next attempt is in ${seconds} s.`);
      await new Promise((then) => setTimeout(then, 1000 * seconds));
    }
  }
}

/**
 * Whether an error may well be gone in a moment: no answer, or one that says so. A full queue is not.
 *
 * @param {ApiError} error
 */
function passing(error) {
  return error.status === 0 || error.status === 503 || error.status === 504;
}

/** Browsers have randomUUID on https and localhost only. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
