/** Server-sent events over `fetch`: an `EventSource` cannot send a key. */

/** @typedef {{ id: string, type: string, data: string }} ServerEvent `id` is the newest that was named */

const ENDED = { value: undefined }; // as is a line that breaks

/**
 * Read the events of an answer, each as soon as it is whole; one that is cut off is left out.
 *
 * @param {Response} response
 * @param {() => void} heard called for whatever comes, comments too
 * @returns {AsyncGenerator<ServerEvent, void>}
 */
export async function* serverEvents(response, heard) {
  const body = /** @type {ReadableStream<Uint8Array>} */ (response.body);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new Parser();
  try {
    for (;;) {
      const { value } = await reader.read().catch(() => ENDED);
      if (value === undefined) {
        return;
      }
      heard();
      yield* parser.feed(value);
    }
  } finally {
    reader.cancel().catch(() => ENDED);
  }
}

/** The standard's event stream, but for `retry`: when to come back is for who reads to say. */
class Parser {
  #rest = "";
  #id = "";
  #type = "";
  /** @type {string[]} */
  #data = [];

  /**
   * @param {string} text
   * @returns {Generator<ServerEvent, void>}
   */
  *feed(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/); // what ends in \r may go on with \n
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line) {
        this.#take(line);
      } else {
        yield* this.#end();
      }
    }
  }

  /** @param {string} line */
  #take(line) {
    const [, name, value] = /** @type {RegExpExecArray} */ (/^([^:]*):? ?(.*)$/s.exec(line));
    if (name === "data") {
      this.#data.push(value);
    } else if (name === "event") {
      this.#type = value;
    } else if (name === "id" && !value.includes("\0")) {
      this.#id = value;
    }
  }

  /** @returns {Generator<ServerEvent, void>} */
  *#end() {
    if (this.#data.length) {
      yield { id: this.#id, type: this.#type || "message", data: this.#data.join("\n") };
    }
    this.#type = "";
    this.#data = [];
  }
}
