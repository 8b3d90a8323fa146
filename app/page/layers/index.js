/** A pretrained network, layer by layer: a drawing of its weight layers, and the numbers behind it. */

import { ApiError, getJson } from "../shared/api.js";
import { curl, curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { isPretrained, listModels } from "../shared/models.js";
import { drawColumns, drawRows } from "./drawing.js";
import { makeTable } from "./table.js";
import { convolutions, denseLayers } from "./words.js";

const NARROW = matchMedia("(max-width: 60rem)");
const MOST_COLUMNS = 20; // layers beside each other: more are too small to read
const FIRST = "vgg16"; // whose address is `#layers`; another's is, for example, `#layers/vgg19`

/**
 * @typedef {{ name: string, kind: string, kernel: number[], output: number[], parameters: number }} Layer
 * @typedef {{ id: string, title: string, layers: Layer[], parameters: number }} Network
 */

/**
 * @param {HTMLElement} section
 * @returns {{ shown: (rest: string) => void }}
 */
export function mount(section) {
  const title = el("h1", { id: "layers-title" }, "VGG16, layer by layer");
  const lede = el("p", { class: "lede" });
  const content = el("div", { class: "layers" });
  const choice = el("nav", { class: "actions", "aria-label": "Network" });
  section.append(title, lede, choice, content);
  let current = "";

  /** @param {string} rest the id of a network, or nothing */
  function shown(rest) {
    const id = rest || FIRST;
    if (id === current) {
      return;
    }
    current = id;
    mark();
    load(id, { title, lede, content }, () => current === id);
    if (!choice.childElementCount) {
      offer();
    }
  }

  /** Offer every pretrained network. */
  async function offer() {
    try {
      const found = (await listModels()).filter(isPretrained);
      choice.replaceChildren(...found.map((one) => el("a", { class: "button quiet", href: address(one.id) }, one.title)));
      mark();
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error; // else the network that is shown says what is wrong
      }
    }
  }

  function mark() {
    for (const link of choice.children) {
      link.toggleAttribute("aria-current", false);
      if (link.getAttribute("href") === address(current)) {
        link.setAttribute("aria-current", "page");
      }
    }
  }

  return { shown };
}

/**
 * @param {string} id
 * @returns {string}
 */
function address(id) {
  return id === FIRST ? "#layers" : `#layers/${id}`;
}

/**
 * @param {string} id
 * @param {{ title: HTMLElement, lede: HTMLElement, content: HTMLElement }} places
 * @param {() => boolean} wanted whether no other network was chosen meanwhile
 */
async function load(id, places, wanted) {
  const { title, lede, content } = places;
  const path = `/models/${encodeURIComponent(id)}`;
  content.replaceChildren(el("p", { class: "hint" }, "One moment …"));
  try {
    const found = await getJson(path);
    if (wanted()) {
      title.textContent = `${found.title}, layer by layer`;
      lede.textContent = `${convolutions(found.layers)} look for finer and finer things in a smaller and smaller picture; ${denseLayers(found.layers)}.`;
      show(content, path, found);
    }
  } catch (error) {
    const retry = () => load(id, places, wanted);
    const again = el("button", { type: "button", class: "button", onclick: retry }, "Try again");
    const detail = error instanceof Error ? error.message : String(error);
    if (wanted()) {
      title.textContent = id;
      lede.textContent = "";
      content.replaceChildren(el("p", { class: "notice error" }, detail), el("div", { class: "actions" }, again));
    }
  }
}

/**
 * @param {HTMLElement} content
 * @param {string} path
 * @param {Network} network
 */
function show(content, path, network) {
  const figure = el("figure", { class: "card drawing" });
  const caption = el("figcaption", { class: "hint" }, "Each block is what a layer gives to the next: as high as its picture, as thick as it has channels.");
  const draw = () => figure.replaceChildren((NARROW.matches || network.layers.length > MOST_COLUMNS ? drawRows : drawColumns)(network), caption);
  NARROW.onchange = draw;
  draw();
  content.replaceChildren(figure, makeTable(network), curlBox(curl(path)).element);
}
