/** *VGG16, layer by layer*, or VGG-19: a drawing of its weight layers, and the numbers behind it. */

import { getJson } from "../shared/api.js";
import { curl, curlBox } from "../shared/curl.js";
import { el } from "../shared/dom.js";
import { drawColumns, drawRows } from "./drawing.js";
import { makeTable } from "./table.js";
import { convolutions } from "./words.js";

const NARROW = matchMedia("(max-width: 60rem)");

/** @type {Record<string, string>} each network's title by its id, as the address names it: `#layers/vgg19` */
const NETWORKS = { vgg16: "VGG16", vgg19: "VGG-19" };
const [FIRST] = Object.keys(NETWORKS);

/**
 * @typedef {{ name: string, kind: string, kernel: number[], output: number[], parameters: number }} Layer
 * @typedef {{ id: string, title: string, layers: Layer[], parameters: number }} Network
 */

/**
 * @param {HTMLElement} section
 * @returns {{ shown: (rest: string) => void }}
 */
export function mount(section) {
  const title = el("h1", { id: "layers-title" }, `${NETWORKS[FIRST]}, layer by layer`);
  const lede = el("p", { class: "lede" });
  const content = el("div", { class: "layers" });
  const links = Object.entries(NETWORKS).map(([id, name]) => el("a", { class: "button quiet", href: address(id) }, name));
  const choice = el("nav", { class: "actions", "aria-label": "Network" }, ...links);
  section.append(title, lede, choice, content);
  let current = "";

  /** @param {string} rest */
  function shown(rest) {
    const id = Object.hasOwn(NETWORKS, rest) ? rest : FIRST;
    if (id === current) {
      return;
    }
    current = id;
    title.textContent = `${NETWORKS[id]}, layer by layer`;
    for (const link of links) {
      link.toggleAttribute("aria-current", false);
      if (link.getAttribute("href") === address(id)) {
        link.setAttribute("aria-current", "page");
      }
    }
    load(id, lede, content, () => current === id);
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
 * @param {HTMLElement} lede
 * @param {HTMLElement} content
 * @param {() => boolean} wanted whether another network was chosen meanwhile
 */
async function load(id, lede, content, wanted) {
  const path = `/models/${id}`;
  content.replaceChildren(el("p", { class: "hint" }, "One moment …"));
  try {
    const found = await getJson(path);
    if (wanted()) {
      lede.textContent = `${convolutions(found.layers)} look for finer and finer things in a smaller and smaller picture; three dense layers decide.`;
      show(content, path, found);
    }
  } catch (error) {
    const retry = () => load(id, lede, content, wanted);
    const again = el("button", { type: "button", class: "button", onclick: retry }, "Try again");
    const detail = error instanceof Error ? error.message : String(error);
    if (wanted()) {
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
  const draw = () => figure.replaceChildren((NARROW.matches ? drawRows : drawColumns)(network), caption);
  NARROW.onchange = draw;
  draw();
  content.replaceChildren(figure, makeTable(network), curlBox(curl(path)).element);
}
