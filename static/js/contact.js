// The contact form's comforts; without this script it works as a plain form. What is typed is kept for this tab only,
// until the message is sent (data-draft on the form, data-draft-done on the page after it).
(() => {
  const KEY = "contact-draft";
  const FIELDS = ["name", "email", "subject", "message", "order_number"];
  const MB = 1024 * 1024;
  const READ_FOR_SUGGESTIONS = 2000; // characters; the server reads the first 1,000 of subject and message
  const store = {
    // Storage may be forbidden (private windows, frames of other sites): then there is no draft.
    get() { try { return JSON.parse(sessionStorage.getItem(KEY)) ?? {}; } catch { return {}; } },
    set(draft) { try { sessionStorage.setItem(KEY, JSON.stringify(draft)); } catch { /* full or forbidden */ } },
    clear() { try { sessionStorage.removeItem(KEY); } catch { /* there is none */ } },
  };
  if (document.querySelector("[data-draft-done]")) store.clear();
  const form = document.querySelector("form[data-draft]");
  if (!form) return;
  const field = (name) => form.elements[name];
  const byId = (id) => document.getElementById(id);

  // What the server or the browser put back stands; only empty fields get the draft.
  const draft = store.get();
  for (const name of FIELDS) if (draft[name] && !field(name).value) field(name).value = draft[name];
  const keep = () => store.set(Object.fromEntries(FIELDS.map((name) => [name, field(name).value])));
  form.addEventListener("input", keep);
  document.addEventListener("DOMContentLoaded", () => { // after htmx, whose script stands before this one
    if (!field("message").value && !field("subject").value) return;
    field("message").dispatchEvent(new Event("input", { bubbles: true })); // suggestions for what came back
  });

  // While it is being sent Send stays what it is: the server makes one contact of two presses.
  const sending = form.querySelector("[data-sending]");
  form.addEventListener("submit", () => { sending.textContent = sending.dataset.sending; sending.hidden = false; });
  addEventListener("pageshow", () => { sending.hidden = true; });

  // On a phone the keyboard lies over the page's end: the bar with Send is lifted above it.
  const view = window.visualViewport;
  const lift = () => {
    const covered = view.scale === 1 ? Math.max(0, window.innerHeight - view.height - view.offsetTop) : 0;
    form.style.setProperty("--keyboard", `${covered}px`);
  };
  view?.addEventListener("resize", lift);
  view?.addEventListener("scroll", lift);

  const say = (word) => { byId("files-status").textContent = word ? byId("files-status").dataset[word] : ""; };
  const isTooLarge = (input) => {
    const sizes = [...input.files].map((file) => file.size);
    return Math.max(0, ...sizes) > input.dataset.mostMb * MB
      || sizes.reduce((sum, size) => sum + size, 0) > input.dataset.mostMbTogether * MB;
  };

  form.addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    // Suggestions are found by the beginning; a pasted megabyte would be refused, and sent again at every pause.
    if (elt.contains(field("message"))) parameters.message = field("message").value.slice(0, READ_FOR_SUGGESTIONS);
    if (elt.id === "order-box") {
      // An address alone is nothing to ask about, unless a number was there before.
      if (!field("order_number").value.trim() && !elt.dataset.asked) event.preventDefault();
      else elt.dataset.asked = "yes";
    }
    if (elt.id === "id_files") {
      say("");
      if (!elt.files.length) event.preventDefault();
      if (isTooLarge(elt)) {
        event.preventDefault(); // the server would say the same, minutes later
        elt.value = "";
        say("tooLarge");
      }
    }
  });
  form.addEventListener("htmx:xhr:progress", (event) => {
    if (event.target.id !== "id_files" || !event.detail.lengthComputable) return;
    byId("files-progress").hidden = false;
    byId("files-progress").value = 100 * event.detail.loaded / event.detail.total;
  });
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    form.addEventListener(name, (event) => {
      if (event.target.id !== "id_files") return;
      byId("files-progress").hidden = true;
      say("failed");
    });
  }
})();
