/** The list of data sets, the newest first. */

import { ApiError, getJson } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { makeButton } from "../train/button.js";
import { count, when } from "../train/words.js";

/** @typedef {import("./sending.js").Dataset} Dataset */

const PAGE = 8;

/** Make the list. */
export function makeSets() {
  /** @type {Map<string, Dataset>} */
  let known = new Map();
  let open = "";
  const list = el("ul", { class: "jobs", role: "list" });
  const words = el("p", { class: "hint", role: "status" });
  const more = makeButton("Show older ones", () => load([...known.keys()].at(-1)), "quiet");
  more.hidden = true;
  const element = el("div", { class: "train-jobs own-sets" }, el("h2", {}, "Data sets"), words, list, more);

  /** @param {string} [after] */
  async function load(after) {
    try {
      const page = await getJson(`/datasets?limit=${PAGE}${after ? `&after=${encodeURIComponent(after)}` : ""}`, { quiet: true });
      known = new Map([...(after ? known : []), ...page.data.map((/** @type {Dataset} */ one) => [one.id, one])]);
      more.hidden = !page.has_more;
      words.textContent = known.size ? "" : "None so far.";
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      words.textContent = error.detail;
    }
    draw();
  }

  function draw() {
    list.replaceChildren(...[...known.values()].map((one) => row(one, one.id === open)));
  }

  return {
    element,
    refresh: () => load(),
    /** The one to show where none was chosen. */
    newest: () => [...known.keys()][0] ?? "",
    /**
     * Mark the one that is shown.
     *
     * @param {string} id
     */
    mark(id) {
      open = id;
      draw();
    },
  };
}

/**
 * @param {Dataset} dataset
 * @param {boolean} open
 */
function row({ id, name, images, classes, created_at }, open) {
  const link = el(
    "a",
    { href: `#own/${encodeURIComponent(id)}`, class: "job", "aria-current": open && "true" },
    el("span", { class: "job-when own-name" }, name),
    el("span", { class: "hint numbers job-score" }, count(images)),
    el("span", { class: "hint own-name" }, classes.map((each) => each.name).join(", ") || "no class yet"),
    el("span", { class: "hint job-score" }, when(created_at)),
  );
  return el("li", {}, link);
}
