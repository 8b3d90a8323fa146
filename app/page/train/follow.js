/** One job's events, live, for as long as it takes: whatever breaks, they go on where they stopped. */

import { ApiError, request, wantsKey } from "../shared/api.js";
import { serverEvents } from "../shared/events.js";
import { KEY } from "../shared/key.js";

/** @typedef {import("./course.js").JobEvent} JobEvent */
/** @typedef {"live" | "lost" | "refused"} Link refused: it takes a key, and none was given */
/**
 * @typedef {object} Listener
 * @property {(event: JobEvent) => void} event each event once, ascending
 * @property {(link: Link) => void} link whether there is a connection, whenever that changes
 * @property {() => void} gone there is no such job any more
 */

const LAST = new Set(["succeeded", "failed", "cancelled"]);
const SILENCE = 20_000; // milliseconds; the service says every 15 s that it is there, so that the line is dead by then
const PAUSES = [500, 1000, 2000, 4000]; // milliseconds between attempts
const STREAM = "text/event-stream";

/**
 * Follow a job from its first event to its last.
 * @param {string} jobId
 * @param {Listener} listener
 * @returns {() => void} stops it
 */
export function follow(jobId, listener) {
  const line = new Line(jobId, listener);
  line.run();
  return () => line.close();
}

class Line {
  #last = ""; // the id of the newest event
  #attempts = 0;
  #timer = 0;
  #ended = false;
  #connection = new AbortController();
  /** @type {?Link} */
  #link = null;
  #wake = () => {};

  /**
   * @param {string} jobId
   * @param {Listener} listener
   */
  constructor(jobId, listener) {
    this.path = `/jobs/${encodeURIComponent(jobId)}/events`;
    this.listener = listener;
    this.again = () => this.#renew();
    this.keyed = () => this.#link === "refused" && this.#renew();
    window.addEventListener("online", this.again);
    document.addEventListener(KEY, this.keyed);
  }

  /** Connect, and connect anew, until the last event. */
  async run() {
    while (!this.#ended) {
      this.#connection = new AbortController();
      const { signal } = this.#connection;
      const error = await this.#read(signal).catch((thrown) => thrown);
      if (signal.aborted) {
        continue; // it is another one's turn
      }
      if (error && !(error instanceof ApiError)) {
        throw error;
      }
      await this.#broken(error);
    }
  }

  /** End it. */
  close() {
    this.#ended = true;
    window.removeEventListener("online", this.again);
    document.removeEventListener(KEY, this.keyed);
    this.#renew();
  }

  /**
   * Hear what happens after the newest event, until the line breaks.
   *
   * @param {AbortSignal} signal
   */
  async #read(signal) {
    const headers = { Accept: STREAM, ...(this.#last && { "Last-Event-ID": this.#last }) };
    const heard = () => this.#after(SILENCE, this.again);
    heard();
    const response = await request(this.path, { headers, signal, timeout: 0 });
    this.#say("live");
    for await (const event of serverEvents(response, heard)) {
      this.#hear(event);
    }
  }

  /** @param {import("../shared/events.js").ServerEvent} message */
  #hear(message) {
    if (this.#ended || !after(message.id, this.#last)) {
      return;
    }
    this.#last = message.id;
    this.#attempts = 0;
    /** @type {JobEvent} */
    const event = JSON.parse(message.data);
    if (LAST.has(event.type)) {
      this.close();
    }
    this.listener.event(event);
  }

  /**
   * Say that the line is broken, and wait until it is time for another.
   *
   * @param {ApiError} [error] none: it was there, and ended
   */
  async #broken(error) {
    if (error?.status === 404) {
      this.close();
      this.listener.gone();
      return;
    }
    const refused = error && wantsKey(error);
    this.#say(refused ? "refused" : "lost");
    const pause = PAUSES[Math.min(this.#attempts++, PAUSES.length - 1)];
    await new Promise((/** @type {(value?: unknown) => void} */ then) => {
      this.#wake = then;
      this.#after(refused ? Infinity : Math.max(pause, 1000 * (error?.retryAfter ?? 0)), then);
    });
  }

  /** Let go of the connection there is, or of the pause, for another. */
  #renew() {
    clearTimeout(this.#timer);
    this.#connection.abort();
    this.#wake();
  }

  /**
   * @param {number} milliseconds
   * @param {() => void} then
   */
  #after(milliseconds, then) {
    clearTimeout(this.#timer);
    if (milliseconds < Infinity) {
      this.#timer = window.setTimeout(then, milliseconds);
    }
  }

  /** @param {Link} link */
  #say(link) {
    if (this.#ended || link === this.#link) {
      return;
    }
    this.#link = link;
    this.listener.link(link);
  }
}

/**
 * Whether an event's id, "milliseconds-number", is greater than another's; every id is greater than none.
 * @param {string} id
 * @param {string} other
 */
function after(id, other) {
  const [time, number] = id.split("-").map(Number);
  const [otherTime, otherNumber] = other ? other.split("-").map(Number) : [-1, 0];
  return time > otherTime || (time === otherTime && number > otherNumber);
}
