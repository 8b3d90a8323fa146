/** The key with which this tab calls: in the session's storage and nowhere else; it is read anew for every call. */

const NAME = "bestguess.key";
const SHAPE = /\bbg_[0-9a-f]{8}_[\w-]{43}(?![\w-])/;

/** What others on the page listen to: another key is in use. */
export const KEY = "bestguess:key";

let held = ""; // where a browser has no storage for us: until the page is left

/** @returns {string} the key in use; empty: none */
export function currentKey() {
  try {
    return sessionStorage.getItem(NAME) ?? held;
  } catch {
    return held;
  }
}

/** @returns {Record<string, string>} the headers that send it */
export function keyHeaders() {
  const key = currentKey();
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/**
 * Use another key.
 *
 * @param {string} key
 */
export function useKey(key) {
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    held = key;
  }
  document.dispatchEvent(new CustomEvent(KEY));
}

/** Forget the key. */
export function forgetKey() {
  held = "";
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // there is none in it
  }
}

/**
 * Find the key in what somebody has typed or pasted, which may be a whole header, or have quotes around it.
 *
 * @param {string} text
 * @returns {string} empty: there is none
 */
export function keyIn(text) {
  return SHAPE.exec(text)?.[0] ?? "";
}
