/** All the ways in which a picture comes in: chosen, photographed, dropped or pasted. */

import { el } from "../shared/dom.js";
import { hearDrops } from "../shared/drops.js";

const IMAGES = "image/jpeg,image/png,image/webp,image/gif,image/bmp";
const NOT_A_FILE = "That is an address, not a picture. Save the picture first, then drop or paste the file.";
const A_FOLDER = "That is a folder. Open it, and drop the pictures in it.";

/**
 * @typedef {object} Takers
 * @property {(files: File[]) => void} take
 * @property {(text: string) => void} complain
 * @property {() => boolean} open whether pictures are wanted now
 */

/**
 * Make the buttons.
 *
 * @param {Takers} takers
 * @returns {HTMLElement}
 */
export function makeButtons({ take }) {
  const choose = picker({ multiple: true }, take);
  const photograph = picker({ capture: "environment" }, take);
  const untouched = navigator.maxTouchPoints === 0; // `capture` only chooses a file once more there
  const camera = { type: "button", class: "button", hidden: untouched, onclick: () => photograph.click() };
  return el(
    "div",
    { class: "actions" },
    el("button", { type: "button", class: "button primary", onclick: () => choose.click() }, "Choose pictures"),
    el("button", camera, "Take a photo"),
    choose,
    photograph,
  );
}

/**
 * Take what is dropped anywhere on the page, and what is pasted; `target` shows where a drop would go.
 *
 * @param {HTMLElement} target
 * @param {Takers} takers
 */
export function hearDropsAndPastes(target, takers) {
  hearDrops(target, takers.open, (data) => receive(data, takers));
  addEventListener("paste", (event) => {
    const typing = event.target instanceof Element && event.target.matches("input, textarea, [contenteditable]");
    if (!typing) {
      receive(event.clipboardData, takers);
    }
  });
}

/**
 * @param {DataTransfer | null} data
 * @param {Takers} takers
 */
function receive(data, { take, complain, open }) {
  if (!data || !open()) {
    return;
  }
  const items = [...data.items].filter((item) => item.kind === "file");
  const folders = items.filter((item) => item.webkitGetAsEntry?.()?.isDirectory);
  const files = [...data.files];
  if (folders.length > 0 && folders.length === items.length) {
    complain(A_FOLDER);
  } else if (files.length > 0) {
    take(files);
  } else if (data.types.some((type) => type.startsWith("text/"))) {
    complain(NOT_A_FILE);
  }
}

/**
 * @param {import("../shared/dom.js").Attributes} attributes
 * @param {(files: File[]) => void} take
 * @returns {HTMLInputElement}
 */
function picker(attributes, take) {
  const onchange = () => {
    take([...(input.files ?? [])]);
    input.value = ""; // so that the same file can be chosen again
  };
  const input = el("input", { type: "file", accept: IMAGES, hidden: true, onchange, ...attributes });
  return input;
}
