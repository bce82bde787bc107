// Inside the widget's panel: talks to the widget on the shop's page (templates/widget/widget.js), which hears from us
// only what it needs: that a page is there, that Escape was pressed, that a message was sent.
(() => {
  const meta = document.querySelector("meta[name=preempt-embedded]");
  if (!meta || window.parent === window) return;
  const { page, contact, orders } = meta.dataset;
  const hosts = meta.content.replace("'self'", location.origin).split(" ");
  let origin = ""; // of the shop's page, once it has spoken
  let carried = {};

  const isAllowed = (from) => hosts.some((host) => {
    const [scheme, name] = host.split("//");
    const [fromScheme, fromName = ""] = from.split("//");
    return name.startsWith("*.") ? scheme === fromScheme && fromName.endsWith(name.slice(1)) : host === from;
  });
  const say = (what) => {
    if (origin) window.parent.postMessage({ preempt: what, page: location.pathname.replace("/embed/", "/") + location.search }, origin);
  };

  addEventListener("message", (event) => {
    if (event.source !== window.parent || !isAllowed(event.origin)) return;
    const message = event.data;
    if (message?.preempt === "hello") {
      origin = event.origin;
      carried = { order: String(message.order ?? ""), topic: String(message.topic ?? "") };
      say("ready");
      if (page === "contacts:sent") say("contact-sent");
    } else if (message?.preempt === "focus") {
      // Not into the search box of a phone: its keyboard would cover what there is to read.
      const field = matchMedia("(hover: hover)").matches ? document.querySelector("main input[type=search]") : null;
      (field ?? document.getElementById("main")).focus();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault(); // else it would empty the search box
    const menu = document.querySelector("details.lang[open]");
    if (menu?.contains(document.activeElement)) { // first what lies on top
      menu.open = false;
      menu.querySelector("summary").focus();
      return;
    }
    say("close");
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || !link.protocol.startsWith("http")) return;
    if (link.origin !== location.origin) {
      // The shop's page lets nobody but us into this frame.
      link.target = "_blank";
      link.rel = "noopener";
    } else if (link.pathname === contact || link.pathname === orders) {
      const address = new URL(link.href);
      for (const [name, value] of Object.entries(carried)) {
        if (value && !address.searchParams.has(name)) address.searchParams.set(name, value);
      }
      link.href = address.href;
    }
  });
  // The one message to whoever it may be, since we do not know yet: it says nothing but that we are there.
  window.parent.postMessage({ preempt: "here" }, "*");
  const back = document.querySelector("[data-back]");
  if (back && document.referrer.startsWith(`${location.origin}/embed/`)) {
    back.hidden = false;
    back.addEventListener("click", () => history.back());
  }
})();
