/** When a key is asked for: by one dialog, however many calls are refused for want of it; then all are made anew. */

import { announce } from "../shared/announce.js";
import { ApiError, OUT_OF_SCOPE, remedyWith, request, sendWith, wantsKey } from "../shared/api.js";
import { keyLines } from "../shared/curl.js";
import { byId } from "../shared/dom.js";
import { KEY, currentKey, forgetKey, keyHeaders, useKey } from "../shared/key.js";
import { makeButton } from "../train/button.js";
import { askForKey } from "./dialog.js";

const ANY = "/models/vgg16"; // costs nothing, and every key may ask for it
const ACTS = ["click", "keydown", "change", "paste", "drop", "hashchange"]; // what somebody does who wants something
const REVOKED = "Your key is not known any more: it was revoked. It takes another one.";
const UNKNOWN = "This key is not known here: it is mistyped, or was revoked.";

/** @type {Promise<boolean> | null} the question that is open */
let question = null;
let declined = false; // since somebody last did something

/** Send a key with every call, ask for one when there is need, and offer to forget it. */
export function keepKeys() {
  sendWith(keyHeaders);
  remedyWith(remedy);
  for (const act of ACTS) {
    addEventListener(act, () => (declined = false), { capture: true });
  }
  const line = byId("key-line");
  line.append("Your key is in use, in this tab only.", makeButton("Forget the key", forget, "quiet"));
  line.hidden = !currentKey();
  document.addEventListener(KEY, () => {
    line.hidden = false;
    keyLines();
  });
  addEventListener("pageshow", () => {
    if (!line.hidden && !currentKey()) {
      location.reload(); // somebody went back to before the key was forgotten, and the browser had kept what was seen
    }
  });
}

/** @type {import("../shared/api.js").Remedy} */
async function remedy(error, sent) {
  if (!wantsKey(error)) {
    return false;
  }
  if (sent.Authorization !== keyHeaders().Authorization) {
    return true; // it was on its way while a key was given
  }
  if (!declined) {
    question ??= ask(error).finally(() => (question = null));
    if (await question) {
      return true;
    }
  }
  error.detail = reason(error);
  return false;
}

/**
 * @param {ApiError} error
 * @returns {Promise<boolean>} whether there is another key
 */
function ask(error) {
  return new Promise((then) => {
    askForKey(reason(error), trouble, (key) => {
      declined = !key;
      if (key) {
        useKey(key);
        announce("The key is in use.");
      }
      then(Boolean(key));
    });
  });
}

/** @param {ApiError} error */
function reason({ problem }) {
  const used = currentKey();
  if (problem.type === OUT_OF_SCOPE) {
    const who = used ? "Your key may not do this" : "Not everybody may do this";
    return `${who}: it takes one with the scope ${problem.scopes.join(" or ")}.`;
  }
  return used ? REVOKED : "It takes a key to ask this service.";
}

/**
 * @param {string} key
 * @returns {Promise<string>} what is wrong with it; empty: nothing
 */
async function trouble(key) {
  try {
    await request(ANY, { headers: { Authorization: `Bearer ${key}` }, quiet: true });
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    const answered = error.status > 0;
    return error.status === 401 ? UNKNOWN : answered ? "" : error.detail; // other refusals are not for this key
  }
  return "";
}

/** Forget the key, and with it all that was seen with it. */
function forget() {
  forgetKey();
  location.replace("/");
}
