/** Buttons of both halves that have to do with training. */

import { el } from "../shared/dom.js";

/**
 * Make a button that does something.
 *
 * @param {string} label
 * @param {() => void} onclick
 * @param {string} kind such as `primary` or `quiet`
 */
export function makeButton(label, onclick, kind = "") {
  return el("button", { type: "button", class: `button ${kind}`.trim(), onclick }, label);
}
