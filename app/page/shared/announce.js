/** What happens on the page, said to who does not see it. */

import { byId } from "./dom.js";

const TOGETHER = 150; // milliseconds: what is said within them is said as one, or only the last would be heard

/** @type {Record<string, string[]>} */
const waiting = { polite: [], assertive: [] };

/**
 * Say a sentence through a screen reader.
 *
 * @param {string} text
 * @param {{ assertive?: boolean }} [how] assertive: at once, for what has gone wrong
 */
export function announce(text, { assertive = false } = {}) {
  const name = assertive ? "assertive" : "polite";
  if (waiting[name].length === 0) {
    byId(name).textContent = ""; // so that the same text is new again
    setTimeout(() => {
      byId(name).textContent = waiting[name].splice(0).join(" ");
    }, TOGETHER);
  }
  waiting[name].push(text);
}
