/** *Draw a digit*: a pad, and what a network that was trained here says of what is drawn on it. */

import { ApiError } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { KEY } from "../shared/key.js";
import { makeButton } from "../train/button.js";
import { KIND } from "../train/digits.js";
import { TRAINED } from "../train/viewer.js";
import { makeBoard } from "./board.js";
import { makeFirst } from "./first.js";

const LEDE =
  "With the mouse, a finger, a pen or the arrow keys. A network that was trained here reads it while you draw.";

/** @param {HTMLElement} section */
export function mount(section) {
  const place = el("div", { class: "draw" });
  section.append(
    el("h1", { id: "draw-title" }, "Draw a digit"),
    el("p", { class: "lede" }, LEDE),
    place,
  );
  const board = makeBoard();
  const first = makeFirst(async (modelId) => {
    await look(modelId);
    if (document.activeElement === document.body) {
      board.focus(); // the button that had the focus is gone
    }
  });
  let wanted = "";

  /**
   * Show the pad, or how to come by a network.
   *
   * @param {string} modelId the network to ask, if a certain one is wanted
   */
  async function look(modelId) {
    wanted = modelId;
    try {
      const { any, trouble } = await board.refresh(modelId);
      if (any) {
        first.stop();
      }
      put(any ? board.element : trouble ? retry(trouble) : first.element);
      if (!any && !trouble) {
        await first.resume();
      }
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      put(retry(error.detail));
    }
  }

  /** @param {HTMLElement} element */
  function put(element) {
    if (!element.isConnected) {
      place.replaceChildren(element);
    }
  }

  /** @param {string} words */
  function retry(words) {
    const button = makeButton("Try again", () => look(wanted));
    return el("div", { class: "notice error draw-trouble", role: "alert" }, el("p", {}, words), button);
  }

  document.addEventListener(TRAINED, (event) => /** @type {CustomEvent} */ (event).detail.kind === KIND && look(wanted));
  document.addEventListener(KEY, () => section.hidden || look(wanted)); // who calls now may have others
  return { shown: look };
}
