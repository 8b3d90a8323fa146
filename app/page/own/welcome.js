/** The card in which photographs come in, and how far they are on their way. */

import { announce } from "../shared/announce.js";
import { ApiError } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { makeButton } from "../train/button.js";
import { count } from "../train/words.js";
import { hearFolders, makeButtons } from "./intake.js";
import { sendArchive, sendFolder } from "./sending.js";

/** @typedef {import("./paths.js").Sorted} Sorted */

const NOTHING = "There is no class in it: give each class a folder with its photographs, and choose the folder above them.";

/**
 * Make the card.
 *
 * @param {() => boolean} open whether photographs are wanted now
 * @param {{ arrived: (id: string) => void, current: () => string }} neighbours `arrived` is told of each data set that
 *   has come; `current` is the data set that is looked at
 */
export function makeWelcome(open, { arrived, current }) {
  const words = el("p", { class: "hint numbers", role: "status" });
  const bar = el("progress", { max: 1, value: 0, "aria-label": "How many photographs are sent" });
  const stop = makeButton("Stop", () => leave.abort(), "quiet");
  const sending = el("div", { class: "own-sending", hidden: true }, bar, words, stop);
  const trouble = el("div", { class: "own-trouble", role: "alert" });
  const into = el("input", { type: "checkbox", id: "own-into" });
  const adding = el("p", { class: "own-into", hidden: true }, into, el("label", { for: "own-into" }));
  const takers = { folder: takeFolder, archive: takeArchive, complain, open: () => open() && sending.hidden };
  const buttons = makeButtons(takers);
  const element = el(
    "div",
    { class: "card own-welcome" },
    el("h2", {}, "Your photographs"),
    el("p", {}, "A folder that has a folder for each class, such as ", el("code", {}, "pets/cats"), " and ", el("code", {}, "pets/dogs"), "; or a zip, tar or tar.gz of it. Drop it here."),
    buttons,
    adding,
    sending,
    trouble,
  );
  hearFolders(element, takers);
  let leave = new AbortController();

  /** @param {Sorted} folder */
  async function takeFolder(folder) {
    const { photographs, loose } = folder;
    if (!photographs.length) {
      complain(NOTHING);
      return;
    }
    const target = !adding.hidden && into.checked ? current() : undefined;
    let id = "";
    const left = loose ? ` ${count(loose)} that lie in no class's folder are left out.` : "";
    await run(
      (signal) =>
        sendFolder(folder, {
          into: target,
          signal,
          made: (made) => (id = made),
          progress: (done) => tell(`${count(done)} of ${count(photographs.length)} photographs.${left}`, done / photographs.length),
          waiting: (text) => tell(text),
        }),
      () => id,
    );
  }

  /** @param {File} file */
  function takeArchive(file) {
    bar.removeAttribute("value");
    return run((signal) => {
      tell(`${file.name} is sent and looked at ...`);
      return sendArchive(file, signal);
    });
  }

  /**
   * @param {(signal: AbortSignal) => Promise<string>} task which gives the data set's id
   * @param {() => string} half the data set that is there although the task was not finished
   */
  async function run(task, half = () => "") {
    leave = new AbortController();
    const { signal } = leave;
    complain("");
    set(true);
    let id = "";
    try {
      id = await task(signal);
      announce("The photographs have arrived.");
    } catch (error) {
      id = half();
      if (!(error instanceof ApiError) && !signal.aborted) {
        set(false);
        throw error;
      }
      complain(signal.aborted ? (id ? "Stopped. What was sent until then is kept." : "Stopped.") : /** @type {ApiError} */ (error).detail);
    }
    set(false);
    if (id) {
      arrived(id);
    }
  }

  /** @param {boolean} busy */
  function set(busy) {
    sending.hidden = !busy;
    buttons.querySelectorAll("button").forEach((button) => button.toggleAttribute("disabled", busy));
  }

  /**
   * @param {string} text
   * @param {number} [part]
   */
  function tell(text, part) {
    words.textContent = text;
    if (part !== undefined) {
      bar.value = part;
    }
  }

  /** @param {string} text what is wrong; empty: nothing any more */
  function complain(text) {
    trouble.replaceChildren(...(text ? [el("p", { class: "notice error" }, text)] : []));
  }

  /** Offer to add to the data set that is looked at; without a name there is none. */
  function offer(/** @type {string} */ name) {
    adding.hidden = !name;
    into.checked &&= Boolean(name);
    /** @type {HTMLElement} */ (adding.lastElementChild).textContent = `Add a folder's photographs to ${name}`;
  }

  return { element, offer };
}
