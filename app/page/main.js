/**
 * The page's frame: one of the sections is shown at a time, the one that the address's fragment names.
 *
 * A section's module is fetched when it is first shown. It exports `mount(section)`, called once then. What that returns
 * may have `shown(rest)`, called whenever the section is shown or its fragment changes, with what follows the slash
 * (`#train/job_1` gives `job_1`, `#train` an empty text), and `hidden()`.
 *
 * @typedef {{ shown?: (rest: string) => void, hidden?: () => void } | void} Mounted
 * @typedef {{ mount: (section: HTMLElement) => Mounted | Promise<Mounted> }} Module
 * @typedef {{ title: string, load: () => Promise<Module> }} Section
 */

import { keepKeys } from "./key/index.js";
import { byId, el } from "./shared/dom.js";

/** @type {Record<string, Section>} */
const SECTIONS = {
  photo: { title: "What is this picture of?", load: () => import("./photo/index.js") },
  train: { title: "Train your own", load: () => import("./train/index.js") },
  own: { title: "Your own classes", load: () => import("./own/index.js") },
  draw: { title: "Draw a digit", load: () => import("./draw/index.js") },
  layers: { title: "Layer by layer", load: () => import("./layers/index.js") },
};

/** @type {Map<string, Promise<{ done: Promise<Mounted> }>>} the sections whose mounting has begun, or is about to */
const begun = new Map();
let current = "";

/** @returns {[string, string] | null} the section that the address names, and what follows the slash */
function wanted() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  return Object.hasOwn(SECTIONS, name) ? [name, rest.join("/")] : null;
}

/** Show the section that the address names, or the first one. */
async function follow() {
  const before = current;
  const found = wanted();
  if (!found && before) {
    return; // the link that skips to the content, or a fragment that means nothing
  }
  const [name, rest] = found ?? ["photo", ""];
  current = name;
  show(name);
  if (before && before !== name) {
    leave(before);
  }
  const { done } = await begin(name);
  if (current === name && before && before !== name) {
    goTo(byId(name));
  }
  const section = await done;
  if (current === name) {
    section?.shown?.(rest);
  }
}

/**
 * @param {string} name of a section, which is mounted unless it is
 * @returns {Promise<{ done: Promise<Mounted> }>} once it has begun
 */
function begin(name) {
  const mounting = begun.get(name) ?? mount(name);
  begun.set(name, mounting);
  return mounting;
}

/**
 * @param {string} name
 * @returns {Promise<{ done: Promise<Mounted> }>}
 */
async function mount(name) {
  const section = byId(name);
  try {
    const module = await SECTIONS[name].load();
    section.replaceChildren();
    return { done: Promise.resolve(module.mount(section)) };
  } catch (error) {
    console.error(error);
    begun.delete(name);
    const words = "This part of the page could not be loaded. Check that the service is running, then reload the page.";
    section.replaceChildren(
      el("h1", { id: `${name}-title` }, SECTIONS[name].title),
      el("p", { class: "notice error", role: "alert" }, words),
    );
    return { done: Promise.resolve() };
  }
}

/** @param {string} name of the section that is shown no more */
async function leave(name) {
  const section = await (await begun.get(name))?.done;
  if (current !== name) {
    section?.hidden?.();
  }
}

/** @param {string} name of the section that is shown, instead of the others */
function show(name) {
  for (const other of Object.keys(SECTIONS)) {
    byId(other).hidden = other !== name;
  }
  for (const link of document.querySelectorAll(".tabs a")) {
    const here = link.getAttribute("href") === `#${name}`;
    link.toggleAttribute("aria-current", here);
    if (here) {
      link.setAttribute("aria-current", "page");
    }
  }
  document.title = `${SECTIONS[name].title} · Best Guess`;
}

/** @param {HTMLElement} section that a person went to, whose focus follows */
function goTo(section) {
  scrollTo(0, 0);
  const heading = section.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
}

keepKeys();
addEventListener("hashchange", follow);
follow();
