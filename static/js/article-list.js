// The list of articles by keys, while the focus is in it: j/k or arrows go from row to row, x ticks, a ticks all.
(() => {
  const list = document.getElementById("article-list");
  if (!list) return;
  const rows = [...list.querySelectorAll("tbody tr")];
  const ticks = rows.map((row) => row.querySelector('input[name="article"]')).filter(Boolean);
  const all = document.getElementById("tick-all");
  const said = document.getElementById("bulk-count");

  const tell = () => {
    const number = ticks.filter((tick) => tick.checked).length;
    if (said) said.textContent = number ? `(${number})` : "";
    if (all) {
      all.checked = number > 0 && number === ticks.length;
      all.indeterminate = number > 0 && number < ticks.length;
    }
  };
  const tickAll = (on) => {
    for (const tick of ticks) tick.checked = on;
    tell();
  };
  const here = () => rows.findIndex((row) => row.contains(document.activeElement));
  const go = (to) => {
    const row = rows[Math.min(Math.max(to, 0), rows.length - 1)];
    const link = row.querySelector("th a");
    link.focus();
    link.scrollIntoView({ block: "nearest" });
  };

  if (all && ticks.length) {
    all.hidden = false;
    all.addEventListener("change", () => tickAll(all.checked));
  }
  for (const tick of ticks) tick.addEventListener("change", tell);
  tell(); // the browser may have kept ticks over a reload

  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = here();
    const keys = {
      j: () => go(at + 1),
      ArrowDown: () => go(at + 1),
      k: () => go(at < 0 ? 0 : at - 1),
      ArrowUp: () => go(at < 0 ? 0 : at - 1),
      x: () => {
        const tick = at < 0 ? null : rows[at].querySelector('input[name="article"]');
        if (!tick) return false;
        tick.checked = !tick.checked;
        tell();
      },
      a: () => {
        if (!ticks.length) return false;
        tickAll(!ticks.every((tick) => tick.checked));
      },
    };
    const act = keys[event.key];
    if (act && act() !== false) event.preventDefault();
  });
})();
