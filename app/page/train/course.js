/** The course of one job: what a snapshot of it and its events say together, in whichever order and however often. */

import { finished } from "./words.js";

/**
 * @typedef {{step: number, train_accuracy: number, loss: number, epoch?: number, validation_accuracy?: ?number,
 *            validation_loss?: ?number}} Entry the last three are those of a training in epochs
 * @typedef {{step: number, total_steps: number, train_accuracy: ?number, loss: ?number, images_per_second: ?number,
 *            eta_seconds: ?number, epoch?: number, total_epochs?: number, validation_accuracy?: ?number,
 *            validation_loss?: ?number}} Progress
 * @typedef {{code: string, detail: string}} JobError
 * @typedef {{id: string, kind: string, status: string, created_at: string, started_at: ?string, finished_at: ?string,
 *            params: Record<string, any>, progress: Progress, history: Entry[], result: ?Record<string, any>,
 *            error: ?JobError, attempt: number}} Job
 * @typedef {{id: string, type: string, at: string, data: Record<string, any>}} JobEvent
 */

const CANCELLING = Number.MAX_SAFE_INTEGER - 1;
const OVER = Number.MAX_SAFE_INTEGER;

/**
 * Place a state in the order in which a job goes through them: an older one never replaces a newer one.
 * @param {string} status
 * @param {number} attempt
 */
function place(status, attempt) {
  if (finished(status)) {
    return OVER;
  }
  if (status === "cancelling") {
    return CANCELLING;
  }
  return 2 * attempt + (status === "running" ? 0 : 1);
}

export class Course {
  /** @type {Map<number, Entry>} */
  #entries = new Map();
  #place = -1;

  /** @param {Job} job as GET /jobs/{id} shows it */
  constructor(job) {
    this.id = job.id;
    this.params = job.params;
    this.created_at = job.created_at;
    this.status = job.status;
    this.progress = job.progress;
    /** @type {?Record<string, any>} */
    this.result = null;
    /** @type {?JobError} */
    this.error = null;
    this.attempt = job.attempt;
    this.look(job);
  }

  /** Whether nothing more will come. */
  get over() {
    return finished(this.status);
  }

  /** The history so far, ascending. */
  get history() {
    return [...this.#entries.values()].sort((one, other) => one.step - other.step);
  }

  /**
   * Learn from a snapshot.
   * @param {Job} job
   */
  look(job) {
    for (const entry of job.history) {
      this.#entries.set(entry.step, entry);
    }
    this.#advance(job.progress);
    this.#move(job.status, job.attempt);
    this.result = job.result ?? this.result;
    this.error = job.error ?? this.error;
  }

  /**
   * Learn from an event.
   * @param {JobEvent} event
   */
  hear({ type, data }) {
    if (type === "progress") {
      if (data.total_epochs) {
        this.#enterEpoch(/** @type {Progress} */ (data));
      } else {
        this.#enter(/** @type {Progress} */ (data));
      }
      this.#advance(/** @type {Progress} */ (data));
    } else if (type === "started") {
      this.#move("running", data.attempt);
    } else if (type === "retried") {
      this.#move("queued", data.attempt);
    } else if (type !== "created") {
      this.#move(type, this.attempt);
    }
    this.result = data.result ?? this.result;
    this.error = data.error ?? this.error;
  }

  /** @param {Progress} progress */
  #advance(progress) {
    if (progress.step >= this.progress.step) {
      this.progress = progress;
    }
  }

  /**
   * Keep what is an entry of the history: a report that the parameters ask for, or the last.
   * @param {Progress} progress
   */
  #enter({ step, total_steps, train_accuracy, loss }) {
    const due = step % this.params.report_every === 0 || step === total_steps;
    if (step > 0 && due && train_accuracy !== null && loss !== null && !this.#entries.has(step)) {
      this.#entries.set(step, { step, train_accuracy, loss });
    }
  }

  /**
   * Keep an epoch: what is said after its last step is said again with every step of the next.
   * @param {Progress} progress
   */
  #enterEpoch({ epoch = 0, total_epochs = 1, total_steps, train_accuracy, loss, ...others }) {
    const step = (epoch * total_steps) / total_epochs;
    if (epoch > 0 && train_accuracy !== null && loss !== null && !this.#entries.has(step)) {
      const { validation_accuracy, validation_loss } = others;
      this.#entries.set(step, { step, epoch, train_accuracy, loss, validation_accuracy, validation_loss });
    }
  }

  /**
   * @param {string} status
   * @param {number} attempt
   */
  #move(status, attempt) {
    const there = place(status, attempt);
    if (there < this.#place) {
      return;
    }
    this.#place = there;
    this.status = status;
    this.attempt = attempt;
  }
}
