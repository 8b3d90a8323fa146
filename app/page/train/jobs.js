/** The list of trainings, the newest first, a page at a time. */

import { ApiError, getJson } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { makeButton } from "./button.js";
import { STATUS, finished, percent, when } from "./words.js";

/** @typedef {import("./course.js").Job} Job */

const PAGE = 8;
const PAGES = 5; // at a time, at most, in search of some of this kind
const BADGES = { succeeded: "good", failed: "bad", running: "busy", cancelling: "busy" };

/** @typedef {import("./panel.js").Ways} Ways */

/**
 * Make the list.
 *
 * @param {Ways} ways only trainings of this kind are in it
 */
export function makeJobs(ways) {
  /** @type {Map<string, Job>} */
  const known = new Map(); // those of other kinds too: the next page comes after the last one
  /** @type {Map<string, ReturnType<typeof makeRow>>} */
  const rows = new Map();
  let open = "";
  let trouble = ""; // why they could not be asked for
  let older = false; // whether there are some that were not asked for yet
  const list = el("ul", { class: "jobs", role: "list" });
  const words = el("p", { class: "hint", role: "status" });
  const more = makeButton("Show older ones", turn, "quiet");
  more.hidden = true;
  const element = el("div", { class: "train-jobs" }, el("h2", {}, "Trainings"), words, list, more);

  /** All of this kind that are known, the newest first. */
  function all() {
    const ours = [...known.values()].filter((job) => job.kind === ways.kind);
    return ours.sort((one, other) => (one.id < other.id ? 1 : -1));
  }

  function draw() {
    const jobs = all();
    const order = jobs.map((job) => rowOf(job).element);
    if (order.length !== list.children.length || order.some((row, place) => row !== list.children[place])) {
      list.replaceChildren(...order);
    }
    words.textContent = trouble || (jobs.length ? "" : "None so far.");
    more.hidden = !older;
  }

  /**
   * Find a job's row, or make it; one that is there stays, because somebody's focus may be in it.
   *
   * @param {Job} job
   */
  function rowOf(job) {
    const row = rows.get(job.id) ?? makeRow(job, ways);
    rows.set(job.id, row);
    row.show(job, job.id === open);
    return row;
  }

  /**
   * @param {string} after
   * @param {boolean} [quiet] nobody is waiting for it
   */
  async function load(after, quiet) {
    const first = !known.size || Boolean(after);
    let [next, wanted] = [after, PAGE];
    try {
      for (let asked = 0; asked < PAGES && wanted > 0; asked++) {
        const page = await getJson(`/jobs?limit=${PAGE}${next && `&after=${encodeURIComponent(next)}`}`, { quiet });
        page.data.forEach((/** @type {Job} */ job) => known.set(job.id, job));
        wanted -= page.data.filter((/** @type {Job} */ job) => job.kind === ways.kind).length;
        next = page.data.at(-1)?.id ?? next;
        older = first ? page.has_more : older;
        wanted = page.has_more && first ? wanted : 0;
      }
      trouble = "";
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      trouble = error.detail;
    }
    draw();
  }

  async function turn() {
    const before = all().length;
    more.disabled = true;
    await load([...known.keys()].sort()[0] ?? "");
    more.disabled = false;
    /** @type {HTMLElement | undefined} */ (list.children[before]?.querySelector("a") ?? undefined)?.focus();
  }

  return {
    element,
    /** Ask for the newest ones. */
    refresh: () => load(""),
    /** Ask for them without anybody's doing. */
    look: () => load("", true),
    /** Begin anew: who calls now may have others. */
    renew() {
      known.clear();
      rows.clear();
      list.replaceChildren();
      return load("", true);
    },
    /** Whether one of them is not finished. */
    busy: () => all().some((job) => !finished(job.status)),
    /** The one to show where none was chosen: the newest that goes on, or else the newest. */
    foremost: () => (all().find((job) => !finished(job.status)) ?? all()[0])?.id ?? "",
    /**
     * Mark the one that is shown.
     *
     * @param {string} id
     */
    mark(id) {
      open = id;
      draw();
    },
    /**
     * Forget one that is no more.
     *
     * @param {string} id
     */
    forget(id) {
      known.delete(id);
      draw();
    },
  };
}

/**
 * @param {Job} job
 * @param {Ways} ways
 */
function makeRow({ id, created_at, params }, ways) {
  const badge = el("span");
  const score = el("span", { class: "job-score hint numbers" });
  const link = el(
    "a",
    { href: `#${ways.section}/${encodeURIComponent(id)}`, class: "job" },
    el("span", { class: "job-when" }, when(created_at)),
    badge,
    el("span", { class: "job-recipe hint" }, ways.recipe(params)),
    score,
  );

  /**
   * @param {Job} job
   * @param {boolean} open
   */
  function show({ status, result }, open) {
    badge.className = `badge ${BADGES[/** @type {keyof BADGES} */ (status)] ?? ""}`;
    badge.textContent = STATUS[status] ?? status;
    score.textContent = result ? `${percent(ways.score(result))} right` : "";
    if (open) {
      link.setAttribute("aria-current", "true");
    } else {
      link.removeAttribute("aria-current");
    }
  }

  return { element: el("li", {}, link), show };
}
