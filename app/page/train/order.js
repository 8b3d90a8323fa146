/** What a card does with its parameters: it has a training made of them, and says what came of it. */

import { announce } from "../shared/announce.js";
import { ApiError } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { makeStarter } from "./start.js";

/**
 * Make the button, the words under it, and the call.
 *
 * @param {string} path of the call
 * @param {string} title of the button
 * @param {(name: string, message: string) => boolean} blame says so at a field, if there is one of this name
 * @param {(id: string) => void} started is told of each job that was made
 */
export function makeOrder(path, title, blame, started) {
  const post = makeStarter(path);
  const words = el("div", { class: "train-words", role: "status" });
  const button = el("button", { type: "submit", class: "button primary" }, title);
  let busy = false;

  /** @param {Record<string, any>} params */
  async function start(params) {
    if (busy) {
      return;
    }
    busy = true;
    button.setAttribute("aria-disabled", "true");
    say("", "");
    try {
      started((await post(params, (waiting) => say(waiting, "warning"))).id);
      say("", "");
      announce("The training is queued.");
    } catch (error) {
      refused(error);
    } finally {
      busy = false;
      button.removeAttribute("aria-disabled");
    }
  }

  /** @param {unknown} error */
  function refused(error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    const one = error.problem.errors?.[0];
    const name = one?.loc?.at(-1);
    if (!(name && blame(name, one.msg))) {
      say(one ? sentence(one.msg) : error.detail.replace(/^body\.\w+: /, ""), "error");
    }
  }

  /**
   * @param {string} text
   * @param {string} kind
   */
  function say(text, kind) {
    words.replaceChildren(...(text ? [el("p", { class: `notice ${kind}` }, text)] : []));
  }

  return { button, words, start, clear: () => say("", "") };
}

/**
 * Write what a check has said as a sentence.
 *
 * @param {string} message such as "Value error, steps x batch_size is ..."
 */
function sentence(message) {
  const words = message.replace(/^Value error, /, "");
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}
