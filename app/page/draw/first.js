/** Where nothing is trained yet: a button that trains a network, and how far that is. */

import { announce } from "../shared/announce.js";
import { ApiError, getJson, wantsKey } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { makeButton } from "../train/button.js";
import { Course } from "../train/course.js";
import { KIND, PATH } from "../train/digits.js";
import { follow } from "../train/follow.js";
import { makeStarter } from "../train/start.js";
import { percent, span } from "../train/words.js";

const QUICK = { steps: 300, report_every: 50 }; // enough to read most of what people draw
const LINK = {
  lost: "The connection is lost. It comes back by itself ...",
  refused: "It takes a key to see how this training goes on.",
};
const DRAWN = { ...QUICK, dataset: "synthetic-digits" };

/**
 * Make the card.
 *
 * @param {(modelId: string) => void} trained is told of the network
 */
export function makeFirst(trained) {
  const post = makeStarter(PATH);
  const words = el("p", { role: "status" });
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "How far the training is" });
  const figures = el("p", { class: "hint numbers" });
  const button = makeButton("Train one now", () => train(QUICK), "primary");
  const drawn = makeButton("Learn from drawn digits instead", () => train(DRAWN));
  const more = el("a", { href: "#train", class: "button quiet" }, "With parameters of your own");
  const element = el(
    "div",
    { class: "card draw-first" },
    el("h2", {}, "Nothing is trained yet"),
    el("p", {}, "A network has to learn digits before it can read yours. A short training takes less than a minute."),
    el("div", { class: "actions" }, button, drawn, more),
    words,
    bar,
    figures,
  );
  let stop = () => {};
  drawn.hidden = true;

  /** @param {boolean} busy */
  function set(busy) {
    [button, drawn].forEach((one) => one.toggleAttribute("disabled", busy));
    bar.hidden = !busy;
  }

  /** @param {Record<string, any>} params */
  async function train(params) {
    set(true);
    say("It is queued ...");
    try {
      watch(new Course(await post(params, say)));
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      set(false);
      say(error.detail);
    }
  }

  /**
   * Follow a training to its end.
   *
   * @param {Course} course
   */
  function watch(course) {
    stop();
    set(true);
    stop = follow(course.id, {
      event(event) {
        course.hear(event);
        show(course);
      },
      link: (link) => say(link === "live" ? doing(course) : LINK[link]),
      gone: () => {
        set(false);
        say("This training is not here any more.");
      },
    });
  }

  /** @param {Course} course */
  function show(course) {
    const { step, total_steps: total, train_accuracy: accuracy, eta_seconds: left } = course.progress;
    bar.value = total ? step / total : 0;
    const parts = [accuracy !== null && `${percent(accuracy)} right so far`, left !== null && `${span(left)} left`];
    figures.textContent = parts.filter(Boolean).join(" · ");
    say(doing(course));
    if (course.over) {
      set(false);
      figures.textContent = "";
      ended(course);
    }
  }

  /** @param {Course} course */
  function ended({ status, error, result }) {
    if (status === "succeeded" && result) {
      announce("The network is trained. Draw a digit.");
      trained(result.model_id);
      return;
    }
    const unavailable = error?.code === "dataset-unavailable";
    drawn.hidden = !unavailable;
    (unavailable ? drawn : button).focus();
    const reason = unavailable ? `The digits to learn from cannot be had. ${error.detail}` : error?.detail;
    say(reason ?? "The training was cancelled.");
  }

  /** @param {string} text */
  function say(text) {
    if (words.textContent !== text) {
      words.textContent = text;
    }
  }

  /** Go on with a training that was started before this page was loaded; who may not train has none. */
  async function resume() {
    try {
      const job = (await newest("running")) ?? (await newest("queued"));
      if (job) {
        watch(new Course(await getJson(`/jobs/${job.id}`)));
      }
    } catch (error) {
      if (!(error instanceof ApiError && wantsKey(error))) {
        throw error;
      }
    }
  }

  return { element, resume, stop: () => stop() };
}

/** @param {string} status of the training of digits that is looked for */
async function newest(status) {
  const page = await getJson(`/jobs?status=${status}&limit=100`, { quiet: true });
  return page.data.find((/** @type {import("../train/course.js").Job} */ job) => job.kind === KIND);
}

/** @param {Course} course */
function doing({ status, progress: { step, total_steps: total } }) {
  if (status === "running") {
    return total && step === total ? "It is tried on digits that it has not seen ..." : "It learns ...";
  }
  return status === "queued" ? "It waits for a worker ..." : "";
}
