/** From values to places: where a chart's axes end, and which round numbers stand at them. */

/**
 * Choose round numbers from 0 to at least `highest`, few of them.
 * @param {number} highest greater than 0
 * @param {number} most how many steps between them at most
 * @returns {number[]} ascending, from 0
 */
export function ticks(highest, most) {
  const rough = highest / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.9999) ?? rough;
  const steps = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/**
 * Keep at most so many of a list, evenly, the first and the last among them.
 * @template T
 * @param {T[]} list
 * @param {number} most at least 2
 * @returns {T[]}
 */
export function thinned(list, most) {
  if (list.length <= most) {
    return list;
  }
  const stride = (list.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => list[Math.round(index * stride)]);
}
