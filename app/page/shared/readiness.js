/** How far the service is: which networks answer, and whether jobs can be taken; asked again and again. */

import { ApiError, getJson } from "./api.js";

/**
 * @typedef {object} ModelStatus how far a network is, as `GET /readyz` has it
 * @property {string} id
 * @property {"waiting" | "downloading" | "loading" | "ready" | "failed"} state
 * @property {string} detail
 * @property {string | null} trouble
 * @property {string | null} action
 * @property {number | null} downloaded_bytes
 * @property {number | null} total_bytes
 * @property {string | null} answered_by
 *
 * @typedef {object} Readiness
 * @property {boolean} reachable
 * @property {boolean} ready
 * @property {ModelStatus[]} models the one that is meant to answer first; empty where nothing is known
 * @property {{ status: "up" | "down", detail: string | null } | null} redis
 * @property {string} detail why it is not ready, in words
 */

const SOON = 1500; // milliseconds between two looks while something is on its way
const LATER = 15_000; // and otherwise

/**
 * Tell how far the service is, now and whenever it has been asked again; nobody asks while the page is not seen.
 *
 * @param {(readiness: Readiness) => void} tell
 */
export function watchReadiness(tell) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let next;

  async function look() {
    clearTimeout(next);
    const found = await readiness();
    tell(found);
    clearTimeout(next);
    if (!document.hidden) {
      next = setTimeout(look, settled(found) ? LATER : SOON);
    }
  }

  document.addEventListener("visibilitychange", () => document.hidden || look());
  look();
}

/** @returns {Promise<Readiness>} */
async function readiness() {
  const nothing = { reachable: true, ready: false, models: [], redis: null, detail: "" };
  try {
    return { ...nothing, ...(await getJson("/readyz", { timeout: 10 })), ready: true };
  } catch (error) {
    if (error instanceof ApiError) {
      const models = error.problem.models ?? [];
      return { ...nothing, reachable: error.status > 0, models, detail: error.detail };
    }
    throw error;
  }
}

/**
 * @param {Readiness} found
 * @returns {boolean} whether nothing is going to change by itself soon
 */
function settled({ ready, models }) {
  return ready && models.every(({ state, trouble }) => state === "ready" || state === "failed" || trouble !== null);
}
