/** A picture that somebody has given, shown at once. */

import { el } from "../shared/dom.js";
import { size } from "./phrases.js";

/**
 * Show a file as a figure. A GIF stands still, on the frame that the network sees.
 *
 * @param {File} file
 * @returns {{ element: HTMLElement, describe: (image: { width: number, height: number, format: string }) => void }}
 */
export function makePicture(file) {
  const frame = el("div", { class: "print" });
  const facts = el("span", { class: "hint" }, size(file.size));
  const name = el("span", { class: "file-name" }, file.name);
  const element = el("figure", { class: "picture" }, frame, el("figcaption", {}, name, facts));
  const none = () => frame.replaceChildren(el("p", { class: "hint" }, "Your browser cannot show this file."));
  if (file.type === "image/gif") {
    still(file).then((canvas) => frame.replaceChildren(canvas), none);
  } else {
    frame.append(shown(file, none));
  }
  const describe = (/** @type {{ width: number, height: number, format: string }} */ image) => {
    facts.textContent = `${image.width} × ${image.height} ${image.format}, ${size(file.size)}`;
  };
  return { element, describe };
}

/**
 * @param {File} file
 * @param {() => void} onError
 * @returns {HTMLImageElement}
 */
function shown(file, onError) {
  const src = URL.createObjectURL(file);
  const done = () => URL.revokeObjectURL(src);
  const onerror = () => {
    done();
    onError();
  };
  const attributes = { decoding: "async", draggable: "false" }; // dragged by chance, it would come in once more
  return el("img", { src, alt: `Your picture, ${file.name}`, onload: done, onerror, ...attributes });
}

/**
 * @param {File} file
 * @returns {Promise<HTMLCanvasElement>}
 */
async function still(file) {
  const frame = await createImageBitmap(file);
  const { width, height } = frame;
  const canvas = el("canvas", { width, height, role: "img", "aria-label": `Your picture, ${file.name}` });
  canvas.getContext("2d")?.drawImage(frame, 0, 0);
  frame.close();
  return canvas;
}
