// The desk's page of the look: the colour picker and its field say the same, and a better colour is one press away.
(() => {
  const typed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));
  const full = (text) => {
    const found = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(text.trim());
    if (!found) return "";
    return "#" + (found[1].length === 3 ? [...found[1]].map((digit) => digit + digit).join("") : found[1]).toLowerCase();
  };
  for (const picker of document.querySelectorAll("[data-picks]")) {
    const field = document.getElementById(picker.dataset.picks);
    picker.hidden = false;
    picker.addEventListener("input", (event) => {
      event.stopPropagation(); // the field says it
      field.value = picker.value;
      typed(field);
    });
    field.addEventListener("input", () => { picker.value = full(field.value) || picker.value; });
  }
  // An empty field means a colour that the server works out; the picker shows it.
  document.addEventListener("htmx:oobAfterSwap", () => {
    if (!document.getElementById("id_hero").value) {
      document.querySelector('[data-picks="id_hero"]').value = document.getElementById("brand-hero").dataset.shows;
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-use]");
    if (!button) return;
    event.preventDefault(); // without this script it is sent, and the page comes back with the colour
    const field = document.getElementById("id_accent");
    field.value = button.dataset.use;
    typed(field);
    field.focus();
  });
})();
