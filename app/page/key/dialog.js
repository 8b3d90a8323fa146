/** The dialog that asks for a key. What was typed leaves the page's elements with it. */

import { el } from "../shared/dom.js";
import { keyIn } from "../shared/key.js";
import { makeButton } from "../train/button.js";

const SHORT = "That is not a key, or not all of one: bg_, eight digits, _, and 43 letters and digits more.";
const STAYS = "It stays in this tab until you close it, or have the key forgotten at the foot of the page.";
const WHENCE = "It begins with bg_. Whoever runs this service makes keys: ask them for one.";

/**
 * Ask for a key, and give it away once it is found to be good; empty where nobody gives one.
 *
 * @param {string} reason why one is needed
 * @param {(key: string) => Promise<string>} trouble tells what is wrong with a key; empty: nothing
 * @param {(key: string) => void} take called once, as the dialog goes and not later: what somebody does next is new
 */
export function askForKey(reason, trouble, take) {
  const field = makeField();
  const use = el("button", { type: "submit", class: "button primary" }, "Use this key");
  const cancel = makeButton("Cancel", () => leave(""), "quiet");
  const form = el("form", { novalidate: true }, field.element, el("div", { class: "actions" }, use, cancel));
  const dialog = el(
    "dialog",
    { class: "card key-dialog", "aria-labelledby": "key-title", "aria-describedby": "key-reason" },
    el("h2", { id: "key-title" }, "A key, please"),
    el("p", { id: "key-reason" }, reason),
    form,
    el("p", { class: "hint" }, STAYS),
  );

  async function check() {
    const key = keyIn(field.input.value);
    field.say("");
    use.setAttribute("aria-disabled", "true");
    const wrong = key ? await trouble(key) : SHORT;
    use.removeAttribute("aria-disabled");
    if (wrong) {
      field.say(wrong);
    } else if (dialog.open) {
      leave(key);
    }
  }

  /** @param {string} key empty: none */
  function leave(key) {
    if (dialog.isConnected) {
      field.input.value = "";
      dialog.close(); // gives the focus back to where it was
      dialog.remove();
      take(key);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!use.hasAttribute("aria-disabled")) {
      check();
    }
  });
  dialog.addEventListener("cancel", () => leave(""));
  dialog.addEventListener("close", () => leave("")); // some ways to close a dialog say nothing before
  document.body.append(dialog);
  dialog.showModal();
  field.input.focus();
}

function makeField() {
  const plain = { autocomplete: "off", autocapitalize: "none", spellcheck: "false" };
  const input = el("input", { id: "key", type: "password", "aria-describedby": "key-help key-error", ...plain });
  const eye = makeButton("", turn, "quiet");
  const error = el("p", { class: "error", id: "key-error", role: "alert" });
  const element = el(
    "div",
    { class: "field" },
    el("label", { for: "key" }, "Your key"),
    el("div", { class: "key-entry" }, input, eye),
    el("p", { class: "hint", id: "key-help" }, WHENCE),
    error,
  );

  function turn() {
    show(input.type === "password");
  }

  /** @param {boolean} seen */
  function show(seen) {
    input.type = seen ? "text" : "password";
    eye.textContent = seen ? "Hide" : "Show";
    eye.setAttribute("aria-label", `${eye.textContent} the key`);
  }

  /** @param {string} wrong empty: nothing is */
  function say(wrong) {
    error.textContent = wrong;
    input.setAttribute("aria-invalid", String(Boolean(wrong)));
    if (wrong) {
      input.focus();
      input.select();
    }
  }

  show(false);
  return { element, input, say };
}
