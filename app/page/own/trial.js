/** A photo, tried on a network that was fine-tuned, with the guesses of the one that it began with beside it. */

import { announce } from "../shared/announce.js";
import { ApiError, getJson } from "../shared/api.js";
import { makeBars, percent, words } from "../shared/bars.js";
import { curl, curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { title } from "../shared/models.js";
import { makePicture } from "../photo/picture.js";

const MOST = 5; // guesses
const TIMEOUT = 150; // seconds: the service takes 120 for a slow upload, and 30 for an answer
const IMAGES = "image/jpeg,image/png,image/webp,image/gif,image/bmp";

/**
 * Make the card.
 *
 * @param {string} modelId
 * @param {string} base the network that it began with
 * @param {string} root the pretrained one that this goes back to, which answers where `base` was removed
 * @param {string[]} classes
 * @returns {HTMLElement}
 */
export function makeTrial(modelId, base, root, classes) {
  const file = el("input", { type: "file", accept: IMAGES, hidden: true, "aria-label": "A photo", onchange: take });
  const choose = el("button", { type: "button", class: "button primary", onclick: () => file.click() }, "Try a photo");
  const place = el("div", { class: "own-tried" });
  const own = makeAnswer(modelId, "It says", "what it has learned");
  let other = makeAnswer(base, `${base === root ? title(root) : "The one before"} says`, "what it began with");
  const hint = `It knows ${classes.join(", ")}, and nothing else: of anything else it says which of these it looks most like.`;
  const box = curlBox(curl(`/models/${encodeURIComponent(modelId)}/classify`, ["-F", "file=@photo.jpg"]));
  let leave = new AbortController();

  function take() {
    const [photo] = file.files ?? [];
    file.value = "";
    if (!photo) {
      return;
    }
    leave.abort();
    leave = new AbortController();
    choose.textContent = "Try another";
    place.replaceChildren(makePicture(photo).element, own.element, other.element);
    own.ask(photo, leave.signal);
    compare(photo, leave.signal);
  }

  /**
   * @param {File} photo
   * @param {AbortSignal} signal
   */
  async function compare(photo, signal) {
    if ((await other.ask(photo, signal)) || base === root) {
      return;
    }
    const removed = other;
    other = makeAnswer(root, `${title(root)} says`, "what it goes back to; the one between was removed");
    removed.element.replaceWith(other.element);
    await other.ask(photo, signal);
  }

  return el(
    "section",
    { class: "card own-trial", "aria-labelledby": "own-trial-title" },
    el("h3", { id: "own-trial-title" }, "Try it"),
    el("p", { class: "hint" }, hint),
    el("div", { class: "actions" }, choose, file),
    place,
    box.element,
  );
}

/**
 * The place of one network's guesses.
 *
 * @param {string} model
 * @param {string} heading
 * @param {string} about
 */
function makeAnswer(model, heading, about) {
  const bars = makeBars(`${heading}, best first`);
  const best = el("p", { class: "own-guess own-name" });
  const says = el("div");
  const element = el("div", { class: "own-answer" }, el("h4", {}, heading, " ", el("span", { class: "hint" }, about)), best, says);

  /**
   * @param {File} photo
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} whether there is such a network
   */
  async function ask(photo, signal) {
    best.textContent = "…";
    says.replaceChildren();
    const body = new FormData();
    body.append("file", photo);
    try {
      const path = `/models/${encodeURIComponent(model)}/classify?top_k=${MOST}`;
      const { predictions } = await getJson(path, { method: "POST", body, signal, timeout: TIMEOUT });
      best.textContent = words(predictions[0].label);
      bars.show(predictions);
      says.replaceChildren(bars.element);
      announce(`${heading} ${words(predictions[0].label)}, ${percent(predictions[0].score)}.`);
    } catch (error) {
      if (signal.aborted) {
        return true;
      }
      if (!(error instanceof ApiError)) {
        throw error;
      }
      best.textContent = "";
      says.replaceChildren(el("p", { class: "notice warning" }, error.detail));
      return error.status !== 404;
    }
    return true;
  }

  return { element, ask };
}
