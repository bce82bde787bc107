// Says how long an article was in use and how much of it was in sight, each time its page is hidden or left.
(() => {
  const { to, article } = document.currentScript.dataset;
  const text = document.querySelector("main article");
  const IDLE = 60_000; // without a sign of life for so long, nobody reads
  const MOST = 30 * 60; // seconds
  let active = 0; // ms
  let scrolled = 0; // per cent
  let told = { seconds: 0, scrolled: 0 };
  let since = performance.now();
  let wasSeen = document.visibilityState === "visible";

  function count() {
    const now = performance.now();
    if (wasSeen) {
      active += Math.min(now - since, IDLE);
      const { top, height } = text.getBoundingClientRect();
      scrolled = Math.max(scrolled, Math.min(100, Math.round((100 * (innerHeight - top)) / Math.max(1, height))));
    }
    since = now;
    wasSeen = document.visibilityState === "visible";
  }

  function tell() {
    count();
    const seconds = Math.min(MOST, Math.floor(active / 1000));
    if (seconds === told.seconds && scrolled === told.scrolled) return;
    const said = JSON.stringify({ article: Number(article), seconds: seconds - told.seconds, scrolled });
    if (navigator.sendBeacon?.(to, said)) told = { seconds, scrolled };
  }

  for (const name of ["scroll", "pointermove", "pointerdown", "keydown"]) {
    document.addEventListener(name, () => performance.now() - since > 500 && count(), { passive: true });
  }
  document.addEventListener("visibilitychange", () => (wasSeen ? tell() : count()));
  addEventListener("pagehide", tell);
})();
