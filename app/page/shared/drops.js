/** Files that are dropped, anywhere on the page. */

/**
 * Take what is dropped; `target` shows where a drop would go.
 *
 * @param {HTMLElement} target
 * @param {() => boolean} open whether anything is wanted now
 * @param {(data: DataTransfer) => void} take
 */
export function hearDrops(target, open, take) {
  let depth = 0;
  const mark = (/** @type {number} */ by) => {
    depth = Math.max(0, depth + by);
    target.classList.toggle("dropping", depth > 0 && open());
  };
  addEventListener("dragenter", () => mark(1));
  addEventListener("dragleave", () => mark(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault(); // a browser would leave the page and show the file
    mark(-depth);
    if (event.dataTransfer && open()) {
      take(event.dataTransfer);
    }
  });
}
