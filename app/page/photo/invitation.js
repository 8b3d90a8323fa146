/** A small drawing that says what this is about: a picture, and bars beside it. It says nothing to who cannot see it. */

import { svg } from "../shared/dom.js";

const BARS = [150, 92, 60, 38, 24];

/** @returns {SVGSVGElement} */
export function invitation() {
  const bars = BARS.map((width, place) => bar(width, 62 + 40 * place, place === 0));
  return svg("svg", { class: "invitation", viewBox: "0 0 480 300", "aria-hidden": "true" }, print(), ...bars);
}

/** @returns {SVGGElement} */
function print() {
  return svg(
    "g",
    { transform: "rotate(-5 140 150)" },
    svg("rect", { class: "paper", x: 30, y: 30, width: 220, height: 240, rx: 6 }),
    svg("rect", { class: "sky", x: 46, y: 46, width: 188, height: 176, rx: 3 }),
    svg("circle", { class: "sun", cx: 186, cy: 92, r: 20 }),
    svg("path", { class: "far", d: "M46 190 L104 112 L150 168 L178 138 L234 196 V219 Q234 222 231 222 H49 Q46 222 46 219 Z" }),
    svg("path", { class: "near", d: "M46 204 Q96 178 140 198 T234 190 V219 Q234 222 231 222 H49 Q46 222 46 219 Z" }),
    svg("rect", { class: "caption", x: 46, y: 240, width: 84, height: 8, rx: 4 }),
  );
}

/**
 * @param {number} width
 * @param {number} y
 * @param {boolean} best
 * @returns {SVGGElement}
 */
function bar(width, y, best) {
  return svg(
    "g",
    { class: best ? "best" : "other" },
    svg("rect", { class: "caption", x: 300, y, width: 40 + width / 3, height: 7, rx: 3.5 }),
    svg("rect", { class: "bar-shape", x: 300, y: y + 14, width, height: 9, rx: 4.5 }),
  );
}
