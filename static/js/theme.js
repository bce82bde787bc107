// The reader's choice of light or dark. Loaded in the head, before the first paint, so that a page never flashes.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const store = {
    // Storage may be forbidden (private windows): the choice then lasts for the page.
    get() { try { return localStorage.getItem("theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("theme", value); } catch { /* nothing to keep it in */ } },
  };
  const show = () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(isDark()));
    }
  };
  const chosen = store.get();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  // Paper is light, whatever was chosen.
  const paper = matchMedia("print");
  let before;
  paper.addEventListener("change", () => {
    if (paper.matches) { before = root.dataset.theme; root.dataset.theme = "light"; }
    else if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
  });
  document.addEventListener("DOMContentLoaded", show);
  system.addEventListener("change", show);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    root.dataset.theme = isDark() ? "light" : "dark";
    store.set(root.dataset.theme);
    show();
  });
})();
