/** The pad with its tools beside the answer: what is on the pad is asked about, as it changes. */

import { getJson } from "../shared/api.js";
import { curl, curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { makeButton } from "../train/button.js";
import { makeAnswer } from "./answer.js";
import { Asking } from "./asking.js";
import { makeChoice } from "./models.js";
import { makePad } from "./pad.js";

const NOTHING = "Nothing is drawn yet.";
const NO_INK = "urn:problem-type:bestguess:no-ink";

/** Make the board. */
export function makeBoard() {
  const pad = makePad((down) => {
    file = null;
    changed(down);
  });
  const choice = makeChoice(() => changed(false));
  const answer = makeAnswer();
  const box = curlBox("");
  const trouble = el("div", { role: "alert" });
  /** @type {?File} */
  let file = null;
  const asking = new Asking({ ask, answered: answer.show, refused });
  const chooser = makeChooser(take);
  const tools = el("div", { class: "actions" }, makeButton("Undo", pad.undo), makeButton("Clear", pad.clear), chooser);
  const element = el(
    "div",
    { class: "draw-board" },
    el("div", { class: "draw-left" }, pad.element, tools, pad.keyHelp),
    el("div", { class: "card draw-right" }, answer.element, trouble, choice.element, box.element),
  );

  /** @param {boolean} down whether the pen is still on the paper */
  function changed(down) {
    trouble.replaceChildren();
    if (!file && pad.empty()) {
      asking.drop();
      answer.rest(NOTHING);
    } else if (down) {
      asking.soon();
    } else {
      asking.now();
    }
  }

  /** @param {AbortSignal} signal */
  async function ask(signal) {
    const body = new FormData();
    body.append("file", file ?? (await pad.picture()), file?.name ?? "digit.png");
    box.show(curl(path(), ["-F", `file=@${file?.name ?? "digit.png"}`]));
    return getJson(path(), { method: "POST", body, signal });
  }

  function path() {
    return `/models/${encodeURIComponent(choice.chosen)}/classify?show_input=true`;
  }

  /** @param {import("../shared/api.js").ApiError} error */
  function refused(error) {
    if (error.problem.type === NO_INK) {
      answer.rest(file ? error.detail : "That is not yet a digit. Draw on.");
      return;
    }
    answer.rest("");
    const again = makeButton("Ask again", () => changed(false), "quiet");
    trouble.replaceChildren(el("div", { class: "notice error" }, el("p", {}, error.detail), again));
  }

  /** @param {File} chosen */
  async function take(chosen) {
    file = chosen;
    pad.place(await createImageBitmap(chosen).catch(() => null));
    changed(false);
  }

  /**
   * Ask which networks there are, and say whether there is one.
   *
   * @param {string} modelId the one to choose, if there is such a one
   */
  async function refresh(modelId) {
    const found = await choice.refresh();
    if (modelId) {
      choice.choose(modelId);
    }
    box.show(curl(path(), ["-F", "file=@digit.png"]));
    if (found.any) {
      changed(false);
    }
    return found;
  }

  return { element, refresh, focus: pad.focus };
}

/**
 * Make a button that chooses a picture of a digit.
 *
 * @param {(file: File) => void} take
 */
function makeChooser(take) {
  const input = el("input", { type: "file", accept: "image/*", class: "visually-hidden", id: "draw-file" });
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) {
      take(file);
    }
  });
  const label = el("label", { for: "draw-file", class: "button" }, "From a file");
  return el("span", { class: "draw-chooser" }, input, label);
}
