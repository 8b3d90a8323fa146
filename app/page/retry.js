/**
 * Reloads the page until its modules are there: without them, it would stay empty.
 *
 * A browser does not ask again for a file that was lost on its way, as when the machine changes networks. This is a
 * script of its own, loaded before the modules: one that they import would be lost with them.
 */

const PAUSE = 2000; // milliseconds, so that the network can settle, and the message can be read
const LATER = 30_000; // after a reload that did not help: what is lost each time will not be there in a moment

addEventListener(
  "error",
  ({ target }) => {
    // Also for a lost import of the script's; a section's own modules are for main.js, which says so. Extensions of the
    // browser add scripts of their own to a page that works.
    if (target instanceof HTMLScriptElement && target.getAttribute("src") === "/page/main.js") {
      const again = performance.getEntriesByType("navigation").some((entry) => "type" in entry && entry.type === "reload");
      const message = document.createElement("p");
      message.className = "notice error";
      message.setAttribute("role", "alert");
      message.textContent = `The page could not be loaded. It is tried again in ${again ? "half a minute" : "a moment"}.`;
      document.getElementById("main")?.replaceChildren(message);
      setTimeout(() => location.reload(), again ? LATER : PAUSE);
    }
  },
  { capture: true }, // these events do not bubble
);
