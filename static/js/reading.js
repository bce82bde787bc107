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
// Says, when a help page is hidden or left, how long its article was in use and how much of it was in sight; and, once,
// whether a link to the contact form was in sight until then.
(() => {
  const { to, article, page, contact } = document.currentScript.dataset;
  if (!to) return;
  const text = document.querySelector("main article");
  const isSeen = () => document.visibilityState === "visible";
  let [active, scrolled, since, wasSeen] = [0, 0, performance.now(), isSeen()];
  let told = { seconds: 0, scrolled };

  // Without a sign of life for a minute nobody reads.
  const count = () => {
    const now = performance.now();
    if (wasSeen && article) {
      active += Math.min(now - since, 60_000);
      const { top, height } = text.getBoundingClientRect();
      scrolled = Math.max(scrolled, Math.min(100, Math.round((100 * (innerHeight - top)) / (height || 1))));
    }
    [since, wasSeen] = [now, isSeen()];
  };

  // A link was in sight where half of it was on the screen for a second, and nothing lay over it.
  const main = document.getElementById("main");
  const inSight = new Map(); // link -> since when
  let wasThere = false; // else nobody has seen anything of the page: a tab behind others, a panel that is closed
  let [linkSeen, linkTold] = [false, false];
  const watcher = "IntersectionObserver" in window && new IntersectionObserver((entries) => {
    for (const { target, intersectionRatio, isIntersecting } of entries) {
      if (target === main) wasThere ||= isIntersecting;
      else if (intersectionRatio < 0.5) inSight.delete(target);
      else if (!inSight.has(target)) inSight.set(target, performance.now());
    }
  }, { threshold: [0, 0.5] });
  const isUncovered = (link) => {
    const { left, right, top, bottom } = link.getClientRects()[0] ?? link.getBoundingClientRect();
    const within = (middle, most) => Math.max(1, Math.min(middle, most - 1));
    const there = document.elementFromPoint(within((left + right) / 2, innerWidth), within((top + bottom) / 2, innerHeight));
    return link.contains(there) && (link.checkVisibility?.({ opacityProperty: true, visibilityProperty: true }) ?? true);
  };
  const look = () => {
    for (const link of document.querySelectorAll("a[href]")) if (link.pathname === contact) watcher.observe(link);
    linkSeen ||= [...inSight].some(([link, from]) => performance.now() - from >= 1000 && isUncovered(link));
    if (linkSeen || linkTold) leave();
  };
  const leave = () => {
    clearInterval(looking);
    watcher.disconnect();
  };
  const looking = watcher && setInterval(() => isSeen() && look(), 500);
  if (watcher) {
    watcher.observe(main);
    look();
  }

  const tell = () => {
    const here = wasSeen;
    count();
    if (watcher && here && !linkSeen && !linkTold) look();
    const seconds = Math.min(1800, Math.floor(active / 1000));
    const ofLink = wasThere && !linkTold ? { link: linkSeen } : null;
    if (!ofLink && seconds === told.seconds && scrolled === told.scrolled) return;
    const said = article ? { article: +article, seconds: seconds - told.seconds, scrolled } : { page };
    if (!navigator.sendBeacon?.(to, JSON.stringify({ ...said, ...ofLink }))) return;
    told = { seconds, scrolled };
    if (ofLink) {
      linkTold = true;
      leave();
    }
  };
  if (article) {
    for (const name of ["scroll", "pointermove", "pointerdown", "keydown"]) {
      document.addEventListener(name, () => performance.now() - since > 500 && count(), { passive: true });
    }
  }
  document.addEventListener("visibilitychange", () => (wasSeen ? tell() : count()));
  addEventListener("pagehide", tell);
})();
