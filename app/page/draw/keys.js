/** Drawing by keyboard: a pen that arrow keys move, and that the space bar puts down and lifts. */

/** @typedef {import("./strokes.js").Strokes} Strokes */

const STEP = 0.04; // of the side
const FORCE = 0.8;

/** @type {Record<string, [number, number]>} */
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Let keys draw on a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Strokes} strokes
 * @param {{ redraw: () => void, touched: (down: boolean) => void, undo: () => void }} pad
 */
export function makeKeys(canvas, strokes, pad) {
  let place = { x: 0.5, y: 0.25, force: FORCE };
  let shown = false;
  let down = false;

  /** @param {KeyboardEvent} event */
  function press(event) {
    const way = WAYS[event.key];
    if (way) {
      move(way, event.shiftKey ? 3 * STEP : STEP);
    } else if (event.key === " ") {
      toggle();
    } else if (event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey))) {
      down = false;
      pad.undo();
    } else {
      return;
    }
    event.preventDefault();
  }

  /**
   * @param {[number, number]} way
   * @param {number} step
   */
  function move([right, below], step) {
    shown = true;
    place = { ...place, x: within(place.x + right * step), y: within(place.y + below * step) };
    if (down) {
      strokes.extend(place);
      pad.touched(true);
    } else {
      pad.redraw();
    }
  }

  function toggle() {
    shown = true;
    down = !down;
    if (down) {
      strokes.begin(place);
    }
    pad.touched(down);
  }

  function hide() {
    shown = false;
    down = false;
  }

  canvas.addEventListener("keydown", press);
  canvas.addEventListener("blur", () => {
    hide();
    pad.redraw();
  });

  /**
   * Show where the pen is: a ring, full while it is down.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {number} side
   * @param {string} colour
   */
  function draw(context, side, colour) {
    if (shown) {
      context.beginPath();
      context.arc(place.x * side, place.y * side, 0.025 * side, 0, 2 * Math.PI);
      context.lineWidth = 0.008 * side;
      context.strokeStyle = context.fillStyle = colour;
      context.stroke();
      if (down) {
        context.fill();
      }
    }
  }

  return { draw, hide };
}

/** @param {number} value */
function within(value) {
  return Math.min(0.96, Math.max(0.04, value));
}
