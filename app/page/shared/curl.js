/** The curl line of what was just done, to copy. */

import { announce } from "./announce.js";
import { el } from "./dom.js";
import { currentKey } from "./key.js";

// In double quotes, so that the shell fills the variable in; it is the one that the command line client reads.
const SEND_KEY = '-H "Authorization: Bearer $BESTGUESS_API_KEY"';

/** @type {WeakMap<Element, string>} the command of each box, without the key */
const commands = new WeakMap();

/**
 * Quote a word for a POSIX shell.
 *
 * @param {string} word
 * @returns {string}
 */
export function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Write a command down; the path becomes an address of this service.
 *
 * @param {string} path
 * @param {string[]} [words] what comes between `curl` and the address
 * @returns {string}
 */
export function curl(path, words = []) {
  return ["curl", ...words, new URL(path, location.href).href].map(quoted).join(" ");
}

/**
 * Make a box with a command and a button that copies it; `show` puts another one there.
 *
 * @param {string} command
 * @returns {{ element: HTMLElement, show: (command: string) => void }}
 */
export function curlBox(command) {
  const code = el("code", { tabindex: "0", role: "textbox", "aria-readonly": "true", "aria-label": "curl command" });
  const button = el("button", { type: "button", class: "button quiet", onclick: () => copy(code, button) }, "Copy");
  const element = el(
    "details",
    { class: "curl" },
    el("summary", {}, "The same with curl"),
    el("div", { class: "curl-line" }, code, button),
  );
  const show = (/** @type {string} */ next) => {
    commands.set(code, next);
    code.textContent = keyed(next);
  };
  show(command);
  return { element, show };
}

/** Write the lines that are shown anew, now that there is a key. */
export function keyLines() {
  for (const code of document.querySelectorAll(".curl code")) {
    code.textContent = keyed(commands.get(code) ?? "");
  }
}

/**
 * Let a command send the key where one is in use, which is never written into it.
 *
 * @param {string} command
 */
function keyed(command) {
  return currentKey() ? command.replace(/^curl/, () => `curl ${SEND_KEY}`) : command;
}

/**
 * @param {HTMLElement} code
 * @param {HTMLButtonElement} button
 */
async function copy(code, button) {
  const done = await copied(code);
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  announce(done ? "The curl line is copied." : "The curl line is selected. Press Ctrl+C to copy it.");
  setTimeout(() => {
    button.textContent = "Copy";
  }, 2500);
}

/**
 * @param {HTMLElement} code
 * @returns {Promise<boolean>}
 */
async function copied(code) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    return true;
  } catch {
    // Browsers give the clipboard to https and localhost only; elsewhere what is selected can be copied by hand.
    getSelection()?.selectAllChildren(code);
    return false;
  }
}
