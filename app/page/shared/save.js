/** Files for a person to keep, from calls that a plain link cannot make: it says neither a key nor what it accepts. */

import { announce } from "./announce.js";
import { ApiError, request } from "./api.js";
import { el } from "./dom.js";

const TIMEOUT = 300; // seconds, for a large file on a slow line

/**
 * Fetch a file and save it.
 *
 * @param {string} path
 * @param {string} name of the file
 * @param {Record<string, string>} [headers]
 */
export async function save(path, name, headers = {}) {
  try {
    const answer = await request(path, { headers, timeout: TIMEOUT });
    const address = URL.createObjectURL(await answer.blob());
    el("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } catch (error) {
    announce(error instanceof ApiError ? error.detail : `${name} could not be saved.`, { assertive: true });
  }
}
