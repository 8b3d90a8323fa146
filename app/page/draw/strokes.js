/** What was drawn: strokes of a pen, in parts of the pad's side, so that they look the same at every size. */

/** @typedef {{ x: number, y: number, force: number }} Dot 0 to 1 each */

const WIDTH = 0.075; // of the side: about that of MNIST's strokes
const LIGHTEST = 0.55; // how thin the lightest touch of a pen is, as a part of the usual

export class Strokes {
  /** @type {Dot[][]} */
  #strokes = [];

  get empty() {
    return !this.#strokes.length;
  }

  /**
   * Put the pen down.
   *
   * @param {Dot} dot
   */
  begin(dot) {
    this.#strokes.push([dot]);
  }

  /**
   * Move the pen that is down.
   *
   * @param {Dot} dot
   */
  extend(dot) {
    this.#strokes.at(-1)?.push(dot);
  }

  /** Take the last stroke away. */
  undo() {
    this.#strokes.pop();
  }

  clear() {
    this.#strokes = [];
  }

  /**
   * Draw them.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {number} side pixels
   * @param {string} ink a colour
   */
  draw(context, side, ink) {
    context.lineCap = "round";
    context.lineJoin = "round";
    context.strokeStyle = ink;
    context.beginPath();
    for (const stroke of this.#strokes) {
      drawStroke(context, side, stroke);
    }
  }
}

/**
 * Draw a curve through the middles between dots, so that it has no corners where a hand made none.
 *
 * Pieces of one width are one path: the ends of separate ones would show.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} side
 * @param {Dot[]} stroke
 */
function drawStroke(context, side, stroke) {
  const [first] = stroke;
  const dots = stroke.length === 1 ? [first, { ...first, x: first.x + 1e-4 }] : stroke; // no length would be no ink
  let from = dots[0];
  let width = 0;
  for (let index = 1; index < dots.length; index++) {
    const [before, dot] = [dots[index - 1], dots[index]];
    const to = index === dots.length - 1 ? dot : middle(before, dot);
    const wanted = widthOf(before, dot);
    if (wanted !== width) {
      open(context, side * wanted, from.x * side, from.y * side);
      width = wanted;
    }
    context.quadraticCurveTo(before.x * side, before.y * side, to.x * side, to.y * side);
    from = to;
  }
  context.stroke();
  context.beginPath();
}

/**
 * End the path that is there, and begin one of another width.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} x
 * @param {number} y
 */
function open(context, width, x, y) {
  context.stroke();
  context.beginPath();
  context.lineWidth = width;
  context.moveTo(x, y);
}

/**
 * @param {Dot} one
 * @param {Dot} other
 * @returns {number} a part of the side, in steps that are not seen
 */
function widthOf(one, other) {
  const force = (one.force + other.force) / 2;
  return WIDTH * (LIGHTEST + ((1 - LIGHTEST) * Math.round(20 * force)) / 20);
}

/**
 * @param {Dot} one
 * @param {Dot} other
 * @returns {Dot}
 */
function middle(one, other) {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, force: (one.force + other.force) / 2 };
}
