/** Numbers and states as a person reads them; every part of the training's page words them alike. */

/** @type {Record<string, string>} what each status of a job is called */
export const STATUS = {
  queued: "Waiting",
  running: "Learning",
  cancelling: "Stopping",
  succeeded: "Finished",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** @type {Record<string, string>} what each data set is called */
export const DATASET = { mnist: "MNIST", "synthetic-digits": "Drawn digits" };

const TOLD = new Set(["dataset", "steps"]); // in a recipe, whatever they are

/**
 * Whether a status stays so for ever.
 * @param {string} status
 */
export function finished(status) {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/**
 * Write a part of 1 as a percentage; what is not all is never rounded up to 100 %.
 * @param {number | null | undefined} part
 * @param {number} digits after the point
 */
export function percent(part, digits = 1) {
  if (part === null || part === undefined) {
    return "–";
  }
  const scale = 10 ** digits;
  const rounded = Math.round(part * 100 * scale) / scale;
  const shown = rounded >= 100 && part < 1 ? 100 - 1 / scale : rounded;
  return `${shown.toFixed(shown === 100 || shown === 0 ? 0 : digits)}\u00a0%`;
}

/**
 * Write a whole number with its thousands apart.
 * @param {number | null | undefined} value
 */
export function count(value) {
  return value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en");
}

/**
 * Write how many there are of something.
 * @param {number} number
 * @param {string} one such as `class`
 * @param {string} many such as `classes`
 */
export function several(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/**
 * Write a span of time.
 * @param {number | null | undefined} seconds
 */
export function span(seconds) {
  if (seconds === null || seconds === undefined) {
    return "–";
  }
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/**
 * Write a moment: the time for today's, the day as well for others.
 * @param {string} moment RFC 3339
 * @param {Date} now
 */
export function when(moment, now = new Date()) {
  const date = new Date(moment);
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === now.toDateString()) {
    return `today, ${time}`;
  }
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}, ${time}`;
}

/**
 * Say in a few words which training this is: what it learned from, and what else was asked for.
 *
 * @param {Record<string, any>} params
 * @param {Record<string, any>} changed those that are not the defaults
 */
export function recipe(params, changed) {
  const others = Object.entries(changed).filter(([name, value]) => !TOLD.has(name) && value !== null);
  const words = others.map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`);
  return [DATASET[params.dataset] ?? params.dataset, `${count(params.steps)} steps`, ...words].join(" · ");
}

/**
 * Pick the parameters that are not the defaults.
 *
 * @param {Record<string, any>} params
 * @param {Record<string, any>} defaults
 */
export function changedFrom(params, defaults) {
  return Object.fromEntries(Object.entries(params).filter(([name, value]) => value !== defaults[name]));
}
