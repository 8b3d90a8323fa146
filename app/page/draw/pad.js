/** The pad: a sheet of paper for mouse, finger, pen and arrow keys, sharp on every screen. */

import { el } from "../shared/dom.js";
import { makeKeys } from "./keys.js";
import { Strokes } from "./strokes.js";

/** @typedef {import("./strokes.js").Dot} Dot */

const SENT = 280; // pixels: the side of the picture that is sent, ten times what the network sees
const PAPER = "#ffffff";
const INK = "#000000";

/**
 * Make the pad.
 *
 * @param {(down: boolean) => void} changed is told when something else stands there, and whether the pen is still down
 */
export function makePad(changed) {
  const strokes = new Strokes();
  const help = "Arrow keys move the pen, Space puts it down and lifts it, Backspace takes the last stroke away.";
  const canvas = el("canvas", {
    class: "pad-canvas",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "drawing pad",
    "aria-label": "Draw a digit",
    "aria-describedby": "pad-keys",
  });
  const keyHelp = el("p", { class: "pad-keys hint", id: "pad-keys" }, help);
  const invitation = el("p", { class: "pad-invitation", "aria-hidden": "true" }, "Draw a digit, 0 to 9");
  const element = el("div", { class: "pad" }, canvas, invitation);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** @type {?ImageBitmap} */
  let photo = null; // a picture of a digit, instead of strokes
  /** @type {?number} */
  let pointer = null;

  function draw() {
    const side = canvas.width;
    const style = getComputedStyle(canvas);
    context.clearRect(0, 0, side, side);
    if (photo) {
      drawWhole(context, photo, side);
    }
    strokes.draw(context, side, style.color);
    keys.draw(context, side, style.accentColor);
    invitation.hidden = Boolean(photo) || !strokes.empty;
  }

  /** @param {boolean} down */
  function touched(down) {
    photo = null;
    draw();
    changed(down);
  }

  const keys = makeKeys(canvas, strokes, { redraw: draw, touched, undo });

  /**
   * @param {PointerEvent} event
   * @returns {Dot}
   */
  function dot(event) {
    const box = canvas.getBoundingClientRect();
    const force = event.pointerType === "pen" && event.pressure ? event.pressure : 0.8;
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height, force };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) {
      return;
    }
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    keys.hide();
    strokes.begin(dot(event));
    touched(true);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId === pointer) {
      const passed = event.getCoalescedEvents?.() ?? [];
      (passed.length ? passed : [event]).forEach((one) => strokes.extend(dot(one)));
      touched(true);
    }
  });
  const lift = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId === pointer) {
      pointer = null;
      touched(false);
    }
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);

  function undo() {
    strokes.undo();
    touched(false);
  }

  function clear() {
    strokes.clear();
    keys.hide();
    touched(false);
  }

  /**
   * Show a picture instead of strokes, or nothing where it cannot be shown.
   *
   * @param {?ImageBitmap} picture
   */
  function place(picture) {
    strokes.clear();
    photo = picture;
    draw();
  }

  function fit() {
    const side = Math.round(canvas.getBoundingClientRect().width * devicePixelRatio);
    if (side && side !== canvas.width) {
      canvas.width = side;
      canvas.height = side;
    }
    draw();
  }

  new ResizeObserver(fit).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return {
    element,
    keyHelp,
    undo,
    clear,
    place,
    picture: () => pictureOf(strokes),
    empty: () => strokes.empty,
    focus: () => canvas.focus(),
  };
}

/**
 * Draw the strokes as they are sent: black on white, whatever the screen shows.
 *
 * @param {Strokes} strokes
 * @returns {Promise<Blob>} a PNG
 */
function pictureOf(strokes) {
  const sheet = el("canvas", { width: SENT, height: SENT });
  const context = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  context.fillStyle = PAPER;
  context.fillRect(0, 0, SENT, SENT);
  strokes.draw(context, SENT, INK);
  return new Promise((done, failed) => {
    sheet.toBlob((blob) => (blob ? done(blob) : failed(new Error("The browser cannot write a PNG"))), "image/png");
  });
}

/**
 * Draw a whole picture into a square.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {ImageBitmap} photo
 * @param {number} side
 */
function drawWhole(context, photo, side) {
  const scale = side / Math.max(photo.width, photo.height);
  const [width, height] = [photo.width * scale, photo.height * scale];
  context.drawImage(photo, (side - width) / 2, (side - height) / 2, width, height);
}
