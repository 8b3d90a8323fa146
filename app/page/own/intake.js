/** All the ways in which photographs come in: a folder or an archive, chosen or dropped anywhere on the page. */

import { el } from "../shared/dom.js";
import { hearDrops } from "../shared/drops.js";
import { sorted } from "./paths.js";

/** @typedef {import("./paths.js").Found} Found */
/** @typedef {import("./paths.js").Sorted} Sorted */
/**
 * @typedef {object} Takers
 * @property {(sorted: Sorted) => void} folder
 * @property {(file: File) => void} archive
 * @property {(words: string) => void} complain
 * @property {() => boolean} open whether photographs are wanted now
 */

const ARCHIVE = /\.(zip|tar|tgz|tar\.gz)$/i;
const LOOSE = "Drop a folder that has a folder for each class, and not the photographs themselves: the folder's name is the class.";

/**
 * Make the buttons.
 *
 * @param {Takers} takers
 * @returns {HTMLElement}
 */
export function makeButtons(takers) {
  const folder = picker({ webkitdirectory: true, multiple: true, "aria-label": "A folder of photographs" }, (files) =>
    takers.folder(sorted(files.map((file) => ({ path: file.webkitRelativePath || file.name, file })))),
  );
  const archive = picker({ accept: ".zip,.tar,.tgz,.gz", "aria-label": "An archive" }, ([file]) => takers.archive(file));
  return el(
    "div",
    { class: "actions" },
    el("button", { type: "button", class: "button primary", onclick: () => folder.click() }, "Choose a folder"),
    el("button", { type: "button", class: "button", onclick: () => archive.click() }, "Choose an archive"),
    folder,
    archive,
  );
}

/**
 * Take what is dropped anywhere on the page; `target` shows where a drop would go.
 *
 * @param {HTMLElement} target
 * @param {Takers} takers
 */
export function hearFolders(target, takers) {
  hearDrops(target, takers.open, (data) => receive(data, takers));
}

/**
 * @param {DataTransfer} data
 * @param {Takers} takers
 */
async function receive(data, { folder, archive, complain }) {
  const items = [...data.items].filter((item) => item.kind === "file");
  const entries = items.flatMap((item) => item.webkitGetAsEntry() ?? []); // now: afterwards they are gone
  const [file] = data.files;
  if (entries.some((entry) => entry.isDirectory)) {
    try {
      const found = await Promise.all(entries.map(walk));
      folder(sorted(found.flat()));
    } catch (error) {
      if (!(error instanceof Unreadable)) {
        throw error;
      }
      complain(`${error.path} cannot be read, and nothing was sent. Make it readable, or leave it out.`);
    }
  } else if (file && data.files.length === 1 && ARCHIVE.test(file.name)) {
    archive(file);
  } else if (file) {
    complain(LOOSE);
  }
}

/** A file or a folder that the browser may not read, or that went away. */
class Unreadable extends Error {
  /** @param {FileSystemEntry} entry */
  constructor({ fullPath }) {
    super();
    this.path = fullPath.slice(1);
  }
}

/**
 * Name all files of a folder, however deep.
 *
 * @param {FileSystemEntry} entry
 * @returns {Promise<Found[]>}
 * @throws {Unreadable}
 */
async function walk(entry) {
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    const file = await new Promise((/** @type {(file: File) => void} */ then, fail) => one.file(then, () => fail(new Unreadable(entry))));
    return [{ path: entry.fullPath, file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((/** @type {(some: FileSystemEntry[]) => void} */ then, fail) => reader.readEntries(then, () => fail(new Unreadable(entry))));
    if (!some.length) {
      return found; // a browser gives a hundred at a time
    }
    for (const each of some) {
      found.push(...(await walk(each)));
    }
  }
}

/**
 * @param {import("../shared/dom.js").Attributes} attributes
 * @param {(files: File[]) => void} take
 * @returns {HTMLInputElement}
 */
function picker(attributes, take) {
  const onchange = () => {
    const files = [...(input.files ?? [])];
    input.value = ""; // so that the same can be chosen again
    if (files.length) {
      take(files);
    }
  };
  const input = el("input", { type: "file", hidden: true, onchange, ...attributes });
  return input;
}
