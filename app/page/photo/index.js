/** *What is this picture of?* Pictures come in, each gets its card, and the news says who answers. */

import { announce } from "../shared/announce.js";
import { ApiError, wantsKey } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { KEY } from "../shared/key.js";
import { watchReadiness } from "../shared/readiness.js";
import { Card } from "./card.js";
import { hearDropsAndPastes, makeButtons } from "./intake.js";
import { invitation } from "./invitation.js";
import { Line } from "./line.js";
import { makeNews } from "./news.js";
import { makeWishes } from "./wishes.js";

const AT_ONCE = 3;

/** @param {HTMLElement} section */
export function mount(section) {
  const line = new Line(AT_ONCE);
  /** @type {Card[]} */
  let cards = [];
  const wall = el("div", { class: "wall" });
  const complaint = el("p", { class: "notice error", hidden: true });
  const wishes = makeWishes(() => cards.forEach((card) => card.ask()));

  const takers = { take, complain, open: () => !section.hidden };
  const welcome = makeWelcome(takers, wishes.element);
  const news = makeNews();
  section.append(welcome, complaint, news.element, wall);
  hearDropsAndPastes(welcome, takers);

  /** @param {File[]} files */
  function take(files) {
    complaint.hidden = true;
    const added = files.map((file) => new Card(file, line, wishes.wishes, remove));
    cards = [...added, ...cards];
    section.classList.toggle("filled", cards.length > 0);
    wall.prepend(...added.map((card) => card.element));
    added.forEach((card) => card.ask());
  }

  /** @param {Card} card */
  function remove(card) {
    card.leave();
    const neighbour = card.element.nextElementSibling ?? card.element.previousElementSibling;
    card.element.remove();
    cards = cards.filter((other) => other !== card);
    section.classList.toggle("filled", cards.length > 0);
    const next = (neighbour ?? welcome).querySelector(neighbour ? ".actions button:last-child" : "button");
    /** @type {HTMLElement | null} */ (next)?.focus();
  }

  /** @param {string} text */
  function complain(text) {
    complaint.textContent = text;
    complaint.hidden = false;
    announce(text, { assertive: true });
  }

  /** @type {import("../shared/readiness.js").Readiness} what was told last */
  let latest;
  let states = "";
  watchReadiness(async (readiness) => {
    const next = `${readiness.ready} ${readiness.models.map(({ state }) => state)}`;
    const isNew = next !== states;
    states = next;
    latest = readiness;
    if (isNew && readiness.reachable) {
      await changed(readiness.ready); // it also asks for the networks' titles, which the news names
    }
    news.show(latest);
  });

  document.addEventListener(KEY, () => changed(true));

  /** @param {boolean} ready whether pictures can be asked about */
  async function changed(ready) {
    if (ready) {
      line.open();
    }
    try {
      await wishes.refresh();
    } catch (error) {
      if (!(error instanceof ApiError && wantsKey(error))) {
        states = ""; // it is asked again with the next news
      }
    }
  }
}

/**
 * @param {import("./intake.js").Takers} takers
 * @param {HTMLElement} wishes
 * @returns {HTMLElement}
 */
function makeWelcome(takers, wishes) {
  const words = el(
    "div",
    { class: "welcome-words" },
    el("h1", { id: "photo-title" }, "What is this picture of?"),
    el("p", { class: "lede" }, "Show it a picture. Out of the thousand things it knows, it names its ten best guesses."),
    makeButtons(takers),
    el("p", { class: "hint" }, "Or drop pictures anywhere on this page, or paste one. They are looked at, and not kept."),
    wishes,
  );
  return el("div", { class: "welcome" }, words, invitation());
}
