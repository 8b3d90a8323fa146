/** Which class a file is of: what its path in a folder says. */

/**
 * @typedef {{ path: string, file: File }} Found `path` has `/` between its parts, and begins with what was chosen
 * @typedef {{ label: string, name: string, file: File }} Photograph
 * @typedef {{ name: string, photographs: Photograph[], loose: number }} Sorted `loose`: files that lie in no class's folder
 */

const FILES = 50; // a request's: little, so that it is seen how far it is, and more where there would be too many requests
const BYTES = 24 * 1024 * 1024; // likewise
const MOST_FILES = 1000; // that the service takes at once
const REQUESTS = 400; // it takes 500 for a data set: the others are for what is added later
const LEFT = new Set(["__macosx", "thumbs.db", "desktop.ini"]); // by systems, in every folder

/**
 * Sort files into classes as the service sorts an archive: each class has a folder; one above all of them is passed over.
 *
 * @param {Found[]} found
 * @returns {Sorted}
 */
export function sorted(found) {
  const files = found
    .map(({ path, file }) => ({ parts: path.split("/").filter(Boolean), file }))
    .filter(({ parts }) => !parts.some((part) => part.startsWith(".") || LEFT.has(part.toLowerCase())));
  const top = above(files.map(({ parts }) => parts));
  const below = files.map(({ parts, file }) => ({ parts: parts.slice(top.length), file }));
  const inside = below.filter(({ parts }) => parts.length > 1);
  return {
    name: top[0] ?? inside[0]?.parts[0] ?? "photographs",
    photographs: inside.map(({ parts: [label, ...rest], file }) => ({ label, name: rest.join(" "), file })),
    loose: below.length - inside.length,
  };
}

/**
 * Find the folders above all classes.
 *
 * @param {string[][]} paths
 * @returns {string[]}
 */
function above(paths) {
  const top = [];
  for (let depth = 0; paths.length; depth++) {
    const first = paths[0][depth];
    const all = paths.every((parts) => parts.length > depth + 1 && parts[depth] === first);
    if (!all || !paths.some((parts) => parts.length > depth + 2)) {
      break;
    }
    top.push(first);
  }
  return top;
}

/**
 * Divide photographs into requests, as many as a data set can take where their classes are not too many for that.
 *
 * @param {Photograph[]} photographs
 * @param {number} most bytes that a request may have
 * @returns {Photograph[][]}
 */
export function divided(photographs, most) {
  for (let times = 1; ; times *= 2) {
    const [files, bytes] = [Math.min(times * FILES, MOST_FILES), Math.min(times * BYTES, most)];
    const found = batches(photographs, files, bytes);
    if (found.length <= REQUESTS || (files === MOST_FILES && bytes === most)) {
      return found;
    }
  }
}

/**
 * Divide photographs into requests: each has one class, and not too much.
 *
 * @param {Photograph[]} photographs
 * @param {number} most files
 * @param {number} bytes
 * @returns {Photograph[][]}
 */
export function batches(photographs, most, bytes) {
  /** @type {Map<string, Photograph[][]>} */
  const byLabel = new Map();
  for (const one of photographs) {
    const made = byLabel.get(one.label) ?? [[]];
    byLabel.set(one.label, made);
    const last = made[made.length - 1];
    const full = last.length >= most || last.reduce((sum, { file }) => sum + file.size, one.file.size) > bytes;
    if (full && last.length) {
      made.push([one]);
    } else {
      last.push(one);
    }
  }
  return [...byLabel.values()].flat();
}
