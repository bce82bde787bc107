// Says under the vote's buttons that an answer did not arrive: htmx itself leaves the page as it is, without a word.
for (const name of ["beforeRequest", "sendError", "responseError", "timeout"]) {
  document.addEventListener(`htmx:${name}`, ({ type, target }) => {
    const said = target.closest("#vote")?.querySelector("[data-failed]");
    if (said) said.textContent = type === "htmx:beforeRequest" ? "" : said.dataset.failed;
  });
}
// Says, when a help page is hidden or left, how its article was read; and, once, whether a link to the contact form was
// in sight until then: its middle, with nothing over it, at two looks a second apart.
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

  // `last`: the links in sight at the last look. Of a tab behind others there is none, and nothing is said.
  let [linkSeen, linkTold, last] = [false, false];
  const isInSight = (link) => {
    const { left, top, width, height } = link.getBoundingClientRect();
    const shown = document.elementFromPoint(left + width / 2, top + height / 2);
    return link.contains(shown) && link.checkVisibility?.({ opacityProperty: true }) !== false;
  };
  const look = () => {
    if (linkSeen || linkTold || !isSeen()) return;
    const links = [...document.querySelectorAll(`a[href^="${contact}"]`)].filter(isInSight);
    linkSeen = links.some((link) => last?.includes(link));
    last = links;
  };
  setInterval(look, 1000);
  look();

  const tell = () => {
    count();
    const seconds = Math.min(1800, Math.floor(active / 1000));
    const ofLink = last && !linkTold && { link: linkSeen };
    if (!ofLink && seconds === told.seconds && scrolled === told.scrolled) return;
    const said = article ? { article: +article, seconds: seconds - told.seconds, scrolled } : { page };
    if (!navigator.sendBeacon?.(to, JSON.stringify({ ...said, ...ofLink }))) return;
    told = { seconds, scrolled };
    linkTold ||= !!last;
  };
  for (const name of ["scroll", "pointermove", "pointerdown", "keydown"]) {
    document.addEventListener(name, () => performance.now() - since > 500 && count(), { passive: true });
  }
  document.addEventListener("visibilitychange", () => (wasSeen ? tell() : count()));
  addEventListener("pagehide", tell);
})();
