/** *Your own classes*: photographs come in, a network learns their classes, and says which of them another photo is of. */

import { ApiError, getJson } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { KEY } from "../shared/key.js";
import { listModels } from "../shared/models.js";
import { makeButton } from "../train/button.js";
import { makeJobs } from "../train/jobs.js";
import { loadFields } from "../train/params.js";
import { makeViewer } from "../train/viewer.js";
import { makeDataset } from "./dataset.js";
import { PATH, WORDS, makeRecipe } from "./recipe.js";
import { makeSets } from "./sets.js";
import { photographs } from "./ways.js";
import { makeWelcome } from "./welcome.js";

const LEDE =
  "A network that knows a thousand things learns yours from a few dozen photographs of each: most of its layers stay as " +
  "they are, and the last ones learn.";
const LOOK = 10_000; // milliseconds between looks at the list while one of its trainings goes on

/** @param {HTMLElement} section */
export async function mount(section) {
  const place = el("div", { class: "train own" });
  section.append(el("h1", { id: "own-title" }, "Your own classes"), el("p", { class: "lede" }, LEDE), place);
  for (;;) {
    try {
      const [fields] = await Promise.all([loadFields(PATH, WORDS), listModels().catch(() => [])]); // for titles
      return assembled(section, place, fields);
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      await new Promise((/** @type {(value?: unknown) => void} */ then) => place.replaceChildren(trouble(error.detail, then)));
    }
  }
}

/**
 * @param {HTMLElement} section
 * @param {HTMLElement} place
 * @param {import("../train/params.js").Field[]} fields
 */
function assembled(section, place, fields) {
  const sets = makeSets();
  const jobs = makeJobs(photographs);
  let current = ""; // the data set that is looked at
  const welcome = makeWelcome(() => !section.hidden, {
    async arrived(id) {
      await show(id);
      viewer.focus();
      go(id);
    },
    current: () => current,
  });
  const recipe = makeRecipe(fields, async (id) => {
    await viewer.open(id);
    viewer.focus();
    go(id);
  });
  const viewer = makeViewer(photographs, {
    repeat: (params) => recipe.start(params),
    async reuse(params) {
      await show(params.dataset_id);
      await recipe.fill(params);
    },
    changed: () => jobs.refresh(),
    gone: (id) => jobs.forget(id),
  });
  const side = el("div", { class: "own-side" }, welcome.element, sets.element, jobs.element);
  place.replaceChildren(side, viewer.element);
  document.addEventListener(KEY, () => section.hidden || recipe.refresh().finally(() => Promise.all([jobs.renew(), sets.refresh()])));
  let clock = 0;

  /**
   * Show a data set, and the form for a training on it.
   *
   * @param {string} id
   */
  async function show(id) {
    try {
      const [dataset] = await Promise.all([getJson(`/datasets/${encodeURIComponent(id)}`), recipe.refresh()]);
      current = id;
      recipe.about(id, dataset.classes.length > 1);
      welcome.offer(dataset.name);
      viewer.close(el("div", { class: "own-open" }, makeDataset(dataset, removed), recipe.element));
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      viewer.close(error.status === 404 ? el("p", { class: "notice warning", role: "alert" }, "This data set is not here any more.") : trouble(error.detail, () => show(id)));
    }
    await sets.refresh();
    sets.mark(id);
    jobs.mark("");
  }

  function removed() {
    current = "";
    welcome.offer("");
    go("");
  }

  /** @param {string} rest the id of a data set or a training, or nothing */
  async function shown(rest) {
    clearInterval(clock);
    clock = window.setInterval(() => !document.hidden && jobs.busy() && jobs.look(), LOOK);
    if (rest.startsWith("ds_")) {
      await Promise.all([rest !== current && show(rest), jobs.refresh()]);
      return;
    }
    if (rest) {
      current = "";
      welcome.offer("");
      sets.mark("");
      await viewer.open(rest);
    }
    await Promise.all([jobs.refresh(), sets.refresh()]);
    if (!rest) {
      await foremost();
    }
    jobs.mark(viewer.id);
  }

  /** Show what goes on where nothing was chosen, or else the newest data set. */
  async function foremost() {
    if (jobs.busy()) {
      await viewer.open(jobs.foremost());
    } else if (sets.newest()) {
      await show(sets.newest());
    } else {
      viewer.close(el("p", { class: "train-empty hint" }, photographs.nothing));
    }
  }

  return { shown, hidden: () => clearInterval(clock) };
}

/** @param {string} id of a data set or a training */
function go(id) {
  location.hash = address(id);
}

/** @param {string} id */
function address(id) {
  return id ? `#own/${encodeURIComponent(id)}` : "#own";
}

/**
 * @param {string} words
 * @param {() => void} again
 */
function trouble(words, again) {
  return el("div", { class: "notice error", role: "alert" }, el("p", {}, words), makeButton("Try again", () => again()));
}
