/** Photographs on their way to the service: a folder's in batches, one class each; or an archive as it is. */

import { ApiError, getJson } from "../shared/api.js";
import { divided } from "./paths.js";

/** @typedef {import("./paths.js").Sorted} Sorted */
/** @typedef {{ path: string, reason: string }} Rejected */
/** @typedef {{ sha256: string, photographs: { path: string, label: string }[] }} Duplicate */
/** @typedef {{ min: number, max: number }} Range */
/** @typedef {{ name: string, images: number, width: Range, height: Range, samples: string[] }} ClassInfo */
/**
 * @typedef {{ id: string, name: string, created_at: string, images: number, bytes: number, classes: ClassInfo[],
 *             rejected: Rejected[], rejected_total: number, duplicates: Duplicate[], duplicates_total: number,
 *             duplicates_between_classes: number }} Dataset
 */

const PHOTOGRAPHS = 0.75; // of a request's bytes: the rest is for what a form adds to each
const MOST_REQUESTS = 500; // for a data set
const TIMEOUT = 1900; // seconds: the service looks at what came for half an hour at most
const ATTEMPTS = 6;
const PAUSE = 2; // seconds, where the service names none
const LONGEST = 15; // seconds

/** @type {Promise<{ max_dataset_bytes: number }> | undefined} */
let limits;

/**
 * Send a folder's photographs: into a new data set, or into one that is there.
 *
 * @param {Sorted} folder
 * @param {{ into?: string, signal: AbortSignal, made: (id: string) => void, progress: (done: number) => void,
 *           waiting: (words: string) => void }} how `progress` is told of photographs that are through
 * @returns {Promise<string>} the data set's id
 */
export async function sendFolder({ name, photographs }, { into, signal, made, progress, waiting }) {
  const batches = divided(photographs, PHOTOGRAPHS * (await patiently(mostBytes, signal, waiting)));
  if (batches.length > MOST_REQUESTS) {
    throw new ApiError("This folder has too many classes to be sent one after the other. Pack it into a zip, and send that.", { status: 413 });
  }
  const fresh = () => getJson(`/datasets?${new URLSearchParams({ name: name.slice(0, 100) })}`, { method: "POST", signal });
  const id = into ?? (await patiently(fresh, signal, waiting)).id;
  made(id);
  let done = 0;
  progress(done);
  for (const batch of batches) {
    await patiently(() => add(id, batch, signal), signal, waiting); // once more does no harm: the same changes nothing
    done += batch.length;
    progress(done);
  }
  return id;
}

/**
 * Send an archive.
 *
 * @param {File} file
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the data set's id
 */
export async function sendArchive(file, signal) {
  const most = await mostBytes();
  if (file.size > most) {
    const words = `${Math.round(file.size / 1e6)} MB, and at most ${Math.round(most / 1e6)} MB are accepted`;
    throw new ApiError(`This archive is too large: it has ${words}. Send a part of it.`, { status: 413 });
  }
  const body = new FormData();
  body.append("file", file, file.name);
  return (await getJson("/datasets", { method: "POST", body, signal, timeout: TIMEOUT })).id;
}

/** @returns {Promise<number>} bytes that a request may have */
async function mostBytes() {
  limits ??= getJson("/page/limits.json");
  try {
    return (await limits).max_dataset_bytes;
  } catch (error) {
    limits = undefined; // the next who asks tries again
    throw error;
  }
}

/**
 * @param {string} id
 * @param {import("./paths.js").Photograph[]} batch
 * @param {AbortSignal} signal
 */
function add(id, batch, signal) {
  const body = new FormData();
  body.append("label", batch[0].label);
  batch.forEach(({ file, name }) => body.append("file", file, name));
  return getJson(`/datasets/${encodeURIComponent(id)}/images`, { method: "POST", body, signal, timeout: TIMEOUT });
}

/**
 * @template Answer
 * @param {() => Promise<Answer>} call
 * @param {AbortSignal} signal
 * @param {(words: string) => void} waiting
 * @returns {Promise<Answer>}
 */
async function patiently(call, signal, waiting) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof ApiError) || ![0, 429, 503, 504].includes(error.status)) {
        throw error;
      }
      const seconds = Math.min(error.retryAfter ?? PAUSE, LONGEST);
      waiting(`${error.detail} The next attempt is in ${seconds} s.`);
      await new Promise((then) => setTimeout(then, 1000 * seconds));
      signal.throwIfAborted();
    }
  }
}
