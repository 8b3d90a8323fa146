/**
 * Reloads the page until its modules are there: without them, it would stay empty.
 *
 * A browser does not ask again for a file that was lost on its way, as when the machine changes networks. This is a
 * script of its own, loaded before the modules: one that they import would be lost with them.
 */

const PAUSE = 2000; // milliseconds, so that the network can settle, and the message can be read

addEventListener(
  "error",
  ({ target }) => {
    if (target instanceof HTMLScriptElement) {
      // also for a lost import of the script's; a section's own modules are for main.js, which says so
      document.getElementById("main")?.replaceChildren("The page could not be loaded. It is tried again in a moment.");
      setTimeout(() => location.reload(), PAUSE);
    }
  },
  { capture: true }, // these events do not bubble
);
