/** One photograph of a data set, small. */

import { request } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { currentKey } from "../shared/key.js";

/**
 * Make an image that is fetched when it comes into sight. A key cannot be sent by an image: where there is one the
 * photograph is fetched, and then shown.
 *
 * @param {string} datasetId
 * @param {string} sha256
 * @param {string} alt
 * @returns {HTMLImageElement}
 */
export function makePhotograph(datasetId, sha256, alt) {
  const path = `/datasets/${encodeURIComponent(datasetId)}/images/${sha256}?size=160`;
  const image = el("img", { class: "own-photograph", alt, loading: "lazy", decoding: "async" });
  if (currentKey()) {
    fetched(path, image);
  } else {
    image.src = path;
  }
  return image;
}

/**
 * @param {string} path
 * @param {HTMLImageElement} image
 */
async function fetched(path, image) {
  const answer = await request(path, { quiet: true }).catch(() => null); // its words stand in its place then
  if (answer) {
    image.src = URL.createObjectURL(await answer.blob());
    image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  }
}
