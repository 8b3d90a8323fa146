/** A pretrained network, layer by layer: a drawing of its weight layers, and the numbers behind it. */

import { getJson } from "../shared/api.js";
import { curl, curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { isPretrained, listModels } from "../shared/models.js";
import { drawColumns, drawRows } from "./drawing.js";
import { makeTable } from "./table.js";
import { convolutions, denseLayers } from "./words.js";

const NARROW = matchMedia("(max-width: 60rem)");

/**
 * @typedef {{ name: string, kind: string, kernel: number[], output: number[], parameters: number }} Layer
 * @typedef {{ id: string, title: string, layers: Layer[], parameters: number }} Network
 */

/**
 * @param {HTMLElement} section
 * @returns {{ shown: (rest: string) => void }}
 */
export function mount(section) {
  const title = el("h1", { id: "layers-title" }, "Layer by layer");
  const lede = el("p", { class: "lede" });
  const content = el("div", { class: "layers" });
  const choice = el("nav", { class: "actions", "aria-label": "Network" });
  section.append(title, lede, choice, content);
  /** @type {string | null} */
  let current = null;

  /** @param {string} rest the id of a network, or nothing: the one that the service serves first */
  function shown(rest) {
    if (rest !== current) {
      current = rest;
      load(rest);
    }
    nameWindow();
  }

  /** @param {string} rest */
  async function load(rest) {
    content.replaceChildren(el("p", { class: "hint" }, "One moment …"));
    try {
      const offered = (await listModels({ quiet: false })).filter(isPretrained);
      const id = rest || offered[0].id;
      if (rest === current) {
        offer(choice, offered, id); // also where the address names none of them
      }
      const path = `/models/${encodeURIComponent(id)}`;
      const found = await getJson(path);
      if (rest === current) {
        lede.textContent = `${convolutions(found.layers)} look for finer and finer things in a smaller and smaller picture; ${denseLayers(found.layers)}.`;
        show(content, path, found);
        tell(`${found.title}, layer by layer`);
      }
    } catch (error) {
      const again = el("button", { type: "button", class: "button", onclick: () => load(rest) }, "Try again");
      const detail = error instanceof Error ? error.message : String(error);
      if (rest === current) {
        lede.textContent = "";
        content.replaceChildren(el("p", { class: "notice error" }, detail), el("div", { class: "actions" }, again));
        tell(rest || "Layer by layer");
      }
    }
  }

  /** @param {string} words */
  function tell(words) {
    title.textContent = words;
    nameWindow();
  }

  /** Name the window after what is drawn, unless another section is shown by now. */
  function nameWindow() {
    if (!section.hidden) {
      document.title = `${title.textContent} · Best Guess`;
    }
  }

  return { shown };
}

/**
 * Link to each network, and mark the one that is drawn. Links that are there stay: one of them may have the focus.
 *
 * @param {HTMLElement} choice
 * @param {import("../shared/models.js").Model[]} offered the first has the address `#layers`, another, say, `#layers/vgg19`
 * @param {string} id of the one that is drawn
 */
function offer(choice, offered, id) {
  const addresses = offered.map((one, place) => (place === 0 ? "#layers" : `#layers/${one.id}`));
  const there = [...choice.children].map((link) => link.getAttribute("href"));
  if (addresses.join() !== there.join()) {
    choice.replaceChildren(...offered.map(({ title }, place) => el("a", { class: "button quiet", href: addresses[place] }, title)));
  }
  offered.forEach((one, place) => {
    const link = choice.children[place];
    link.toggleAttribute("aria-current", false);
    if (one.id === id) {
      link.setAttribute("aria-current", "page");
    }
  });
}

/**
 * @param {HTMLElement} content
 * @param {string} path
 * @param {Network} network
 */
function show(content, path, network) {
  const figure = el("figure", { class: "card drawing" });
  const caption = el("figcaption", { class: "hint" }, "Each block is what a layer gives to the next: as high as its picture, as thick as it has channels.");
  const draw = () => figure.replaceChildren((NARROW.matches ? drawRows : drawColumns)(network), caption);
  NARROW.onchange = draw;
  draw();
  content.replaceChildren(figure, makeTable(network), curlBox(curl(path)).element);
}
