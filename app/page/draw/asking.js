/** Questions while somebody draws: one at a time, the newest wins, and none is asked in vain. */

import { ApiError } from "../shared/api.js";

const PAUSE = 120; // milliseconds from a change to the question, so that a quick hand does not ask at every dot

/**
 * @template Answer
 * @typedef {object} Desk
 * @property {(signal: AbortSignal) => Promise<Answer>} ask
 * @property {(answer: Answer) => void} answered
 * @property {(error: ApiError) => void} refused
 */

/** @template Answer */
export class Asking {
  #timer = 0;
  /** @type {?AbortController} */
  #open = null;
  #due = false; // whether something has changed since the question that is open was asked

  /** @param {Desk<Answer>} desk */
  constructor(desk) {
    this.desk = desk;
  }

  /** Ask soon: while a question is open, after its answer, so that one that is slow to come comes nevertheless. */
  soon() {
    this.#due = true;
    if (!this.#timer && !this.#open) {
      this.#timer = window.setTimeout(() => this.now(), PAUSE);
    }
  }

  /** Ask now, and let go of a question that is open: what it is about is not what is wanted any more. */
  now() {
    this.drop();
    const question = new AbortController();
    this.#open = question;
    this.#put(question);
  }

  /** Ask nothing, and let go of what is open. */
  drop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#due = false;
    this.#open?.abort();
    this.#open = null;
  }

  /** @param {AbortController} question */
  async #put(question) {
    try {
      const answer = await this.desk.ask(question.signal);
      if (this.#open === question) {
        this.desk.answered(answer);
      }
    } catch (error) {
      if (this.#open === question) {
        this.#refuse(error);
      }
    }
    if (this.#open === question) {
      this.#open = null;
      if (this.#due) {
        this.soon();
      }
    }
  }

  /** @param {unknown} error */
  #refuse(error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    this.desk.refused(error);
  }
}
