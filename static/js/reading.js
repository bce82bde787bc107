// Says under the vote's buttons that an answer did not arrive: htmx itself leaves the page as it is, without a word.
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(name, ({ target }) => {
    const said = target.closest("#vote")?.querySelector("[data-failed]");
    if (said) said.textContent = said.dataset.failed;
  });
}
document.addEventListener("htmx:beforeRequest", ({ target }) => {
  const said = target.closest("#vote")?.querySelector("[data-failed]");
  if (said) said.textContent = "";
});
// Says how long an article was in use and how much of it was in sight, each time its page is hidden or left.
(() => {
  const { to, article } = document.currentScript.dataset;
  if (!to) return;
  const text = document.querySelector("main article");
  const isSeen = () => document.visibilityState === "visible";
  let [active, scrolled, since, wasSeen] = [0, 0, performance.now(), isSeen()];
  let told = { seconds: 0, scrolled };

  // Without a sign of life for a minute nobody reads.
  const count = () => {
    const now = performance.now();
    if (wasSeen) {
      active += Math.min(now - since, 60_000);
      const { top, height } = text.getBoundingClientRect();
      scrolled = Math.max(scrolled, Math.min(100, Math.round((100 * (innerHeight - top)) / (height || 1))));
    }
    [since, wasSeen] = [now, isSeen()];
  };
  const tell = () => {
    count();
    const seconds = Math.min(1800, Math.floor(active / 1000));
    if (seconds === told.seconds && scrolled === told.scrolled) return;
    const said = { article: +article, seconds: seconds - told.seconds, scrolled };
    if (navigator.sendBeacon?.(to, JSON.stringify(said))) told = { seconds, scrolled };
  };
  for (const name of ["scroll", "pointermove", "pointerdown", "keydown"]) {
    document.addEventListener(name, () => performance.now() - since > 500 && count(), { passive: true });
  }
  document.addEventListener("visibilitychange", () => (wasSeen ? tell() : count()));
  addEventListener("pagehide", tell);
})();
