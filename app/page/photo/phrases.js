/** What the page says of answers, in words. */

/**
 * Say how sure a score is.
 *
 * @param {number} score 0 to 1
 * @param {string} weights as the answer names them
 * @returns {string}
 */
export function sureness(score, weights) {
  if (weights === "random") {
    return "A guess without meaning";
  }
  if (score >= 0.9) {
    return "Almost certainly";
  }
  if (score >= 0.6) {
    return "Probably";
  }
  return score >= 0.3 ? "Perhaps" : "Hard to say; perhaps";
}

/**
 * @param {number} bytes
 * @returns {string} such as `1.2 MB`
 */
export function size(bytes) {
  if (bytes < 1e6) {
    return `${Math.ceil(bytes / 1e3)} kB`;
  }
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/**
 * @param {number} milliseconds
 * @returns {string} such as `43 ms` or `1.2 s`
 */
export function duration(milliseconds) {
  if (milliseconds >= 1000) {
    return `${(milliseconds / 1000).toFixed(1)} s`;
  }
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}
