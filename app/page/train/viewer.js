/** The training that is looked at: opened by its id, followed while it goes on, with its report at the end. */

import { announce } from "../shared/announce.js";
import { ApiError, getJson, postJson } from "../shared/api.js";
import { curl, curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { makeButton } from "./button.js";
import { Course } from "./course.js";
import { follow } from "./follow.js";
import { makePanel } from "./panel.js";
import { STATUS } from "./words.js";

/** @typedef {ReturnType<typeof makePanel>} Panel */
/** @typedef {import("./panel.js").Ways} Ways */
/**
 * @typedef {object} Neighbours
 * @property {(params: Record<string, any>) => void} repeat
 * @property {(params: Record<string, any>) => void} reuse
 * @property {() => void} changed a training has another status
 * @property {(id: string) => void} gone a training is no more
 */

/** What others on the page listen to: a network is there that was not there before; `detail.kind` says of which job. */
export const TRAINED = "bestguess:trained";

/** @type {Record<string, string>} the section in which each kind of job is looked at */
const SECTIONS = { "mnist-train": "train", finetune: "own" };

/**
 * Make the place in which a training is looked at.
 *
 * @param {Ways} ways
 * @param {Neighbours} neighbours
 */
export function makeViewer(ways, neighbours) {
  const label = { role: "region", "aria-label": "The training that is shown" };
  const element = el("div", { class: "train-view", ...label }, el("p", { class: "train-empty hint" }, ways.nothing));
  let stop = () => {};
  let id = "";

  /** @param {string} wanted */
  async function open(wanted) {
    if (wanted === id) {
      return;
    }
    stop();
    id = wanted;
    try {
      const job = await getJson(path(wanted));
      if (id === wanted && job.kind !== ways.kind) {
        id = "";
        location.replace(`#${SECTIONS[job.kind] ?? "train"}/${encodeURIComponent(wanted)}`);
      } else if (id === wanted) {
        show(new Course(job));
      }
    } catch (error) {
      if (id === wanted) {
        trouble(wanted, error);
      }
    }
  }

  /** @param {Course} course */
  function show(course) {
    const panel = makePanel(course, ways, { cancel: () => cancel(course, panel), ...neighbours });
    const box = curlBox(curl(`${path(course.id)}/events`, ["-N", "-H", "Accept: text/event-stream"]));
    const below = el("div", { class: "train-below" }, box.element);
    element.replaceChildren(panel.element, below);
    panel.show();
    if (course.over) {
      finish(course, below);
      return;
    }
    let frame = 0;
    stop = follow(course.id, {
      event(event) {
        const before = course.status;
        course.hear(event);
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(() => panel.show());
        if (course.status !== before) {
          changed(course, below, panel);
        }
      },
      link: (link) => panel.connected(link),
      gone: () => missing(course.id),
    });
  }

  /**
   * @param {Course} course
   * @param {HTMLElement} below
   * @param {Panel} panel
   */
  async function changed(course, below, panel) {
    neighbours.changed();
    if (!course.over) {
      announce(STATUS[course.status]);
      return;
    }
    const score = course.result ? `: ${ways.verdict(course.result)}` : "";
    announce(`The training is over. ${STATUS[course.status]}${score}.`);
    panel.connected("live");
    finish(course, below);
    if (course.status === "succeeded") {
      document.dispatchEvent(new CustomEvent(TRAINED, { detail: { id: course.id, kind: ways.kind } }));
    }
    try {
      course.look(await getJson(path(course.id))); // a very long training's first events are not kept, its history is
      panel.show();
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
    }
  }

  /** Show nothing, or something else in its place. */
  function close(/** @type {HTMLElement} */ instead) {
    stop();
    id = "";
    element.replaceChildren(instead);
  }

  /**
   * @param {Course} course
   * @param {Panel} panel
   */
  async function cancel(course, panel) {
    panel.complain("");
    try {
      await postJson(`${path(course.id)}/cancel`, {});
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      panel.complain(error.detail);
    }
  }

  /**
   * @param {string} wanted
   * @param {unknown} error
   */
  function trouble(wanted, error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    if (error.status === 404) {
      missing(wanted);
      return;
    }
    id = "";
    const again = makeButton("Try again", () => open(wanted));
    element.replaceChildren(el("div", { class: "notice error", role: "alert" }, el("p", {}, error.detail), again));
  }

  /** @param {string} wanted */
  function missing(wanted) {
    const words = "This training is not here any more: it was removed some time after it finished, or never was.";
    element.replaceChildren(el("p", { class: "notice warning", role: "alert" }, words));
    neighbours.gone(wanted);
  }

  /**
   * @param {Course} course
   * @param {HTMLElement} below
   */
  function finish(course, below) {
    if (course.status === "succeeded" && course.result) {
      below.replaceChildren(ways.below(course));
    }
  }

  /** Bring it into sight, for the eyes and for the keyboard. */
  function focus() {
    element.querySelector("h2")?.focus({ preventScroll: true });
    const { top } = element.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 3) {
      element.scrollIntoView({ block: "start" });
    }
  }

  return {
    element,
    open,
    close,
    focus,
    get id() {
      return id;
    },
  };
}

/** @param {string} id */
function path(id) {
  return `/jobs/${encodeURIComponent(id)}`;
}

