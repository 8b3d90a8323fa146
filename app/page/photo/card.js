/** A card: one picture, and beside it what the service says of it. */

import { announce } from "../shared/announce.js";
import { ApiError, wantsKey } from "../shared/api.js";
import { makeBars, percent, words } from "../shared/bars.js";
import { curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { title } from "../shared/models.js";
import { ask, curlLine } from "./asking.js";
import { duration, sureness } from "./phrases.js";
import { makePicture } from "./picture.js";

/** @typedef {import("./asking.js").Answer} Answer */
/** @typedef {import("./asking.js").Wishes} Wishes */

let count = 0;

export class Card {
  #file;
  #line;
  #wishes;
  #picture;
  #leave = new AbortController();
  #mood = el("p", { class: "mood" });
  #guess = el("h2", { id: `guess-${(count += 1)}` });
  #says = el("div", { class: "says" });
  #facts = el("div", { class: "facts" });
  #again = el("button", { type: "button", class: "button quiet", hidden: true, onclick: () => this.ask() });
  /** @type {ReturnType<typeof makeBars> | null} */
  #bars = null;

  /**
   * @param {File} file
   * @param {import("./line.js").Line} line
   * @param {() => Wishes} wishes asked for whenever the service is
   * @param {(card: Card) => void} onRemove
   */
  constructor(file, line, wishes, onRemove) {
    this.#file = file;
    this.#line = line;
    this.#wishes = wishes;
    this.#picture = makePicture(file);
    const remove = el("button", { type: "button", class: "button quiet", onclick: () => onRemove(this) }, "Remove");
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    const answer = el("div", { class: "answer" }, this.#mood, this.#guess, this.#says);
    const rest = el("div", { class: "rest" }, this.#facts, el("div", { class: "actions" }, this.#again, remove));
    const attributes = { class: "card photo-card", "aria-labelledby": this.#guess.id };
    this.element = el("article", attributes, this.#picture.element, answer, rest);
  }

  /** Ask what it is of, in turn, and show the answer or what went wrong. */
  async ask() {
    this.#leave.abort();
    this.#leave = new AbortController();
    const { signal } = this.#leave;
    const wishes = this.#wishes();
    this.#look();
    const onWait = (/** @type {number} */ seconds, /** @type {ApiError} */ error) => this.#wait(seconds, error);
    try {
      const answer = await this.#line.run(() => ask(this.#file, wishes, signal), { signal, onWait });
      this.#answer(answer, wishes);
    } catch (error) {
      if (!signal.aborted) {
        this.#fail(error);
      }
    }
  }

  /** Leave the line, for the card is taken away. */
  leave() {
    this.#leave.abort();
  }

  #look() {
    this.#state("looking", "One moment", "Looking …");
    if (!this.#bars?.element.isConnected) {
      this.#show(el("div", { class: "ghosts", "aria-hidden": "true" }, ...Array.from({ length: 10 }, () => el("i"))));
    }
  }

  /**
   * @param {number} seconds
   * @param {ApiError} error
   */
  #wait(seconds, error) {
    this.#state("looking", error.status === 429 ? "Many are asking" : "Not ready yet", "Waiting for its turn …");
    this.#show(el("p", { class: "hint" }, `${error.detail} It is asked again in ${seconds} s.`));
  }

  /**
   * @param {Answer} answer
   * @param {Wishes} wishes
   */
  #answer(answer, wishes) {
    const [best] = answer.predictions;
    this.#picture.describe(answer.image);
    this.#state("answered", sureness(best.score, answer.model.weights), words(best.label));
    this.#bars ??= makeBars(`Ten best guesses for ${this.#file.name}`);
    this.#show(answer.model.weights === "random" && randomNotice(), this.#bars.element);
    this.#bars.show(answer.predictions);
    const line = curlBox(curlLine(this.#file, wishes));
    this.#facts.replaceChildren(el("p", { class: "hint numbers" }, ...whoAndHowLong(answer)), line.element);
    this.#offer("Ask again");
    announce(`${this.#file.name}: ${words(best.label)}, ${percent(best.score)}.`);
  }

  /** @param {unknown} error */
  #fail(error) {
    if (!(error instanceof ApiError)) {
      console.error(error);
    }
    const detail = error instanceof ApiError ? error.detail : "Something went wrong on this page. Reload it.";
    this.#state("failed", "No answer", "That did not work");
    this.#show(el("p", { class: "notice error" }, detail));
    this.#facts.replaceChildren();
    this.#offer("Try again");
    this.#again.hidden = error instanceof ApiError && isFinal(error);
    announce(`${this.#file.name}: ${detail}`, { assertive: true });
  }

  /**
   * @param {string} state
   * @param {string} mood
   * @param {string} guess
   */
  #state(state, mood, guess) {
    this.element.dataset.state = state;
    this.element.setAttribute("aria-busy", String(state === "looking"));
    this.#mood.textContent = mood;
    this.#guess.textContent = guess;
  }

  /** @param {...import("../shared/dom.js").Child} children */
  #show(...children) {
    this.#says.replaceChildren(...children.filter((child) => child instanceof Node));
  }

  /** @param {string} text */
  #offer(text) {
    this.#again.textContent = text;
    this.#again.setAttribute("aria-label", `${text}: ${this.#file.name}`);
    this.#again.hidden = false;
  }
}

/**
 * Whether another attempt would not help.
 *
 * @param {ApiError} error
 */
function isFinal(error) {
  return error.status >= 400 && error.status < 429 && !wantsKey(error);
}

/** @returns {HTMLElement} */
function randomNotice() {
  const text = "This network has random weights: it has learned nothing, and its guesses mean nothing.";
  return el("p", { class: "notice warning" }, text);
}

/**
 * @param {Answer} answer
 * @returns {import("../shared/dom.js").Child[]}
 */
function whoAndHowLong({ model, timing_ms: timing }) {
  const wanted = model.stand_in_for;
  const link = el("a", { href: `#layers/${wanted}` }, title(wanted ?? ""));
  const who = wanted ? [title(model.id), ", in ", link, "'s place, took "] : [title(model.id), " took "];
  const parts = `${duration(timing.decode)} to read the picture, ${duration(timing.inference)} to think`;
  return [...who, `${duration(timing.total)}: ${parts}.`];
}
