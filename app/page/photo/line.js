/** The line in which pictures wait: so many are asked about at once, and who is told to come back later does. */

import { ApiError } from "../shared/api.js";

const PATIENCE = 300; // seconds for which a picture comes back, each time when it is told to

/**
 * @typedef {object} Turn
 * @property {AbortSignal} signal leaves the line
 * @property {(seconds: number, error: ApiError) => void} onWait called when it has to come back, and in how long
 */

export class Line {
  #most;
  #running = 0;
  /** @type {(() => void)[]} */
  #waiting = [];
  #closedUntil = 0;

  /** @param {number} most how many at once */
  constructor(most) {
    this.#most = most;
  }

  /**
   * Do a task in its turn, and again when the service says when.
   *
   * @template Result
   * @param {() => Promise<Result>} task
   * @param {Turn} turn
   * @returns {Promise<Result>}
   */
  async run(task, { signal, onWait }) {
    const end = Date.now() + 1000 * PATIENCE;
    for (let again = false; ; again = true) {
      await this.#turn(again);
      try {
        signal.throwIfAborted();
        return await task();
      } catch (error) {
        if (!comesBack(error) || Date.now() > end) {
          throw error;
        }
        this.#close(error.retryAfter ?? 1);
        onWait(error.retryAfter ?? 1, error);
      } finally {
        this.#running -= 1;
        this.#advance();
      }
    }
  }

  /** Go on at once: what held everybody up is over. */
  open() {
    this.#closedUntil = 0;
    this.#advance();
  }

  /**
   * @param {boolean} first whether it was there before, and is next
   * @returns {Promise<void>}
   */
  #turn(first) {
    return new Promise((resolve) => {
      this.#waiting[first ? "unshift" : "push"](resolve);
      this.#advance();
    });
  }

  #advance() {
    if (Date.now() < this.#closedUntil) {
      return;
    }
    while (this.#running < this.#most && this.#waiting.length > 0) {
      this.#running += 1;
      this.#waiting.shift()?.();
    }
  }

  /** @param {number} seconds for which nobody is asked about: what holds for one picture holds for all */
  #close(seconds) {
    this.#closedUntil = Math.max(this.#closedUntil, Date.now() + 1000 * seconds);
    setTimeout(() => this.#advance(), 1000 * seconds + 5);
  }
}

/**
 * @param {unknown} error
 * @returns {error is ApiError}
 */
function comesBack(error) {
  if (!(error instanceof ApiError)) {
    return false;
  }
  const loading = error.status === 503 && String(error.problem.type).endsWith(":not-ready");
  return error.status === 429 || loading;
}
