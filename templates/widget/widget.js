/* Preempt's help widget: a button, and a panel with the help centre in it. One file, nothing else before it is opened.
   It needs script-src and frame-src of its origin, injects no style element and sets no style attribute. */
(() => {
  "use strict";
  const CONFIG = /* CONFIG */ null;
  const own = Object.hasOwn; // a page may have added things to Object.prototype
  const earlier = window.Preempt;
  if (typeof earlier === "function" && own(earlier, "isReady")) return; // the tag is there twice
  const tag = document.currentScript;
  const base = tag && tag.src ? tag.src : `${CONFIG.site}/widget.js`;
  const origin = new URL(base).origin;
  const given = (name) => ((tag && tag.getAttribute(`data-${name}`)) || "").trim().slice(0, 200);
  const bare = (values) => Object.assign(Object.create(null), values); // for the browser's own dictionaries

  // Which language, which words.
  const codes = Object.keys(CONFIG.texts);
  const codeFor = (wish) => {
    const code = String(wish || "").toLowerCase().replace("_", "-");
    const short = code.split("-")[0];
    return codes.find((c) => c === code) || codes.find((c) => c === short) || codes.find((c) => c.split("-")[0] === short);
  };
  const locale = [given("locale"), document.documentElement.lang, ...navigator.languages].map(codeFor).find(Boolean) || CONFIG.locale;
  const text = CONFIG.texts[locale];

  // May we be here? The browser enforces it (frame-ancestors); this only says so instead of showing an empty panel.
  const isAllowed = [origin, ...CONFIG.hosts].some((host) => {
    const [scheme, name] = host.split("//");
    return name.startsWith("*.") ? location.protocol === scheme && location.host.endsWith(name.slice(1)) : location.origin === host;
  });

  const colour = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(given("colour")) ? given("colour") : CONFIG.colour;
  const light = (hex) => {
    const full = hex.length === 4 ? hex.replace(/[^#]/g, "$&$&") : hex;
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(full.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179; // where black on it reads better than white
  };

  const fallback = (() => {
    const where = given("fallback");
    if (/^[^\s@:/]+@[^\s@:/]+$/.test(where)) return `mailto:${where}`;
    return /^(https?|mailto|tel):/i.test(where) ? where : "";
  })();

  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const icon = (path) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  };

  const COVERS = "(max-width:480px),(max-height:480px)"; // the panel then takes the whole screen
  const CSS = `
:host{all:initial!important;position:fixed!important;inset:0 auto auto 0!important;inline-size:0!important;block-size:0!important;
 overflow:visible!important;z-index:2147483647!important;display:block!important}
.all{--ground:#fff;--text:#18201b;--muted:#55605a;--line:#dde2d8;--link:#1d5c42;--focus:#1a6fc0;
 --side:calc(20px + max(env(safe-area-inset-left,0px),env(safe-area-inset-right,0px)));
 font:400 medium/1.5 -apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans",sans-serif;color:var(--text);color-scheme:light dark}
*{box-sizing:border-box}
svg{inline-size:1.375em;block-size:1.375em;fill:none;stroke:currentcolor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round;flex:none}
.launch{position:fixed;inset-block-end:calc(1.25em + env(safe-area-inset-bottom,0px));inset-inline-end:var(--side);
 display:flex;align-items:center;gap:.5em;min-block-size:3em;max-inline-size:calc(100vw - 2.5em);padding:.5em 1.125em;border:1px solid transparent;border-radius:2em;
 background:var(--brand);color:var(--on-brand);font-family:inherit;font-size:1em;font-weight:600;line-height:1.2;cursor:pointer;box-shadow:0 2px 6px rgb(10 30 20/.18),0 10px 26px -8px rgb(10 30 20/.45)}
.start .launch{inset-inline:var(--side) auto}
.launch span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.launch:hover{filter:brightness(1.08)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.launch:focus-visible,.bar :focus-visible{outline:2px solid #fff;box-shadow:0 0 0 5px var(--focus)}
dialog{position:fixed;inset:auto;inset-block-end:calc(5.25em + env(safe-area-inset-bottom,0px));inset-inline-end:var(--side);
 inline-size:400px;block-size:min(640px,100dvh - 6.5em);max-inline-size:calc(100vw - 2.5em);max-block-size:none;margin:0;padding:0;border:1px solid var(--line);border-radius:16px;
 flex-direction:column;overflow:hidden;background:var(--ground);color:inherit;box-shadow:0 2px 6px rgb(10 30 20/.1),0 18px 48px -12px rgb(10 30 20/.4)}
.start dialog{inset-inline:var(--side) auto}
dialog[open]{display:flex}
.bar{display:flex;align-items:center;gap:.25em;padding-block:.25em;padding-inline:1em .375em;background:var(--brand);color:var(--on-brand)}
h2{flex:1;min-inline-size:0;margin:0;font-size:1em;font-weight:650;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.bar a,.bar button{display:grid;place-items:center;inline-size:2.75em;block-size:2.75em;padding:0;border:0;border-radius:10px;background:none;color:inherit;font:inherit;cursor:pointer}
.bar :hover{background:rgb(127 127 127/.25)}
iframe{flex:1;inline-size:100%;min-block-size:0;border:0;background:var(--ground)}
.note{flex:1;display:grid;align-content:center;justify-items:center;gap:1em;padding:1.5em;overflow:auto;text-align:center}
.note p{margin:0;max-inline-size:34ch}
.note small{color:var(--muted);font-size:.8125em;max-inline-size:40ch;overflow-wrap:anywhere}
.note a,.note button{display:inline-flex;align-items:center;min-block-size:2.75em;padding:.375em 1.125em;border:1px solid currentcolor;border-radius:10px;background:none;color:var(--link);font-family:inherit;font-size:1em;font-weight:600;line-height:1.2;text-decoration:none;cursor:pointer}
[hidden]{display:none!important}
@media ${COVERS}{dialog,.start dialog{inset:0;inline-size:100%;max-inline-size:none;block-size:100dvh;border:0;border-radius:0;
 padding:env(safe-area-inset-top,0px) env(safe-area-inset-right,0px) env(safe-area-inset-bottom,0px) env(safe-area-inset-left,0px)}}
@media (prefers-color-scheme:dark){.all{--ground:#181d1a;--text:#e7ece8;--muted:#a3ada6;--line:#2d3530;--link:#83cfa8;--focus:#7db8f5}}
@media (prefers-reduced-motion:no-preference){dialog[open]{animation:up .16s ease-out}@keyframes up{from{opacity:0;transform:translateY(8px)}}}
@media (forced-colors:active){.launch,dialog{border:1px solid}.launch:focus-visible,.bar :focus-visible{outline:3px solid Highlight}}
@media print{:host{display:none!important}}`;

  // The parts. All of them in a shadow tree: the page's styles do not reach them, ours do not reach the page.
  const host = make("div", bare({ id: "preempt-widget" }));
  const root = host.attachShadow(bare({ mode: "open" }));
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];

  const label = given("label").slice(0, 40) || text.label;
  const launch = make("button", bare({ type: "button", class: "launch", "aria-haspopup": "dialog", "aria-expanded": "false" }),
    icon("M12 21a9 9 0 1 0-8-4.9L3 21l4.9-1a9 9 0 0 0 4.1 1zM9.5 9.3a2.5 2.5 0 1 1 3.6 2.3c-.7.4-1.1.9-1.1 1.7M12 16.6v.1"), make("span", bare({}), label));
  launch.hidden = given("position") === "none";
  const page = make("a", bare({ target: "_blank", rel: "noopener", href: new URL("./", base).href, "aria-label": text.tab, title: text.tab }),
    icon("M14 4h6v6M20 4l-9 9M18 14v4a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h4"));
  const shut = make("button", bare({ type: "button", "aria-label": text.close, title: text.close }), icon("M6 6l12 12M18 6L6 18"));
  const said = make("p", bare({ role: "status" }));
  const why = make("small", bare({}));
  const again = make("button", bare({ type: "button" }), text.again);
  const write = make("a", bare({ href: fallback || "#" }), text.contact);
  const note = make("div", bare({ class: "note" }), said, why, again, write);
  const title = make("h2", bare({ id: "title" }), text.title);
  const panel = make("dialog", bare({ "aria-labelledby": "title" }), make("div", bare({ class: "bar" }), title, page, shut), note);
  const all = make("div", bare({ class: `all ${given("position") === "start" ? "start" : "end"}`, lang: locale, dir: text.dir }), launch, panel);
  all.style.setProperty("--brand", colour);
  all.style.setProperty("--on-brand", light(colour) ? "#000" : "#fff");
  root.append(all);

  const covers = matchMedia(COVERS);
  let frame = null;
  let loaded = ""; // the way in that the frame shows, or what came after it
  let context = {};
  let last = null; // what open() was asked for
  let opener = null;
  let timer = 0;
  let isOpening = false; // the focus has yet to move into the page
  let told = ""; // the sent message that the page was told of

  const tell = (what) => window.dispatchEvent(new CustomEvent(`preempt:${what}`));
  const show = (message, reason, canRetry) => {
    said.textContent = message;
    why.textContent = reason;
    why.hidden = !reason;
    again.hidden = !canRetry;
    write.hidden = !fallback || !(canRetry || reason);
    note.hidden = false;
    if (frame) frame.hidden = true;
  };
  const fail = () => {
    clearTimeout(timer);
    loaded = "";
    show(text.down, "", true);
  };
  const wait = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(fail, ms);
  };
  const post = (message) => frame.contentWindow.postMessage(bare(message), origin);
  const greet = () => post({ preempt: "hello", order: context.order, topic: context.topic });

  const load = (address) => {
    loaded = address;
    show(text.loading, "", false);
    if (frame) frame.remove(); // not another page in the same one: that would be a step back in the shop's history
    frame = make("iframe", bare({ src: address, title: text.title, allow: "" }));
    frame.hidden = true;
    frame.addEventListener("load", () => {
      wait(2000); // a page of ours answers at once; the browser's own page about a failure never does
      greet();
    });
    panel.append(frame);
    wait(20000);
  };

  const attach = () => {
    if (!host.isConnected) (document.body || document.documentElement).append(host);
    // The top layer: no z-index of the page reaches above it.
    if (host.showPopover && !host.matches(":popover-open")) {
      host.setAttribute("popover", "manual");
      host.showPopover();
    }
  };
  const present = () => {
    // Covering the screen it must hold the focus; beside the page it must not. Over a modal of the page only a modal works.
    if (covers.matches || document.querySelector(":modal")) panel.showModal();
    else panel.show();
  };

  const open = (asked) => {
    last = asked;
    attach();
    const want = (name) => {
      const value = asked && own(asked, name) ? asked[name] : given(name);
      return typeof value === "string" || typeof value === "number" ? String(value).trim().slice(0, 200) : "";
    };
    context = { order: want("order"), topic: want("topic") };
    const address = new URL("embed/", base);
    address.search = "";
    for (const name of ["order", "topic", "article", "query", "page"]) if (want(name)) address.searchParams.set(name, want(name));
    address.searchParams.set("locale", codeFor(want("locale")) || locale);
    const isNew = !panel.open;
    isOpening = true;
    if (isNew) {
      opener = document.activeElement;
      present();
      shut.focus();
    }
    launch.setAttribute("aria-expanded", "true");
    if (!isAllowed) show(text.refused, `${location.origin} is not in WIDGET_HOSTS of ${origin}`, false);
    else if (loaded !== address.href) load(address.href);
    else enter();
    if (isNew) tell("opened");
  };
  const enter = () => {
    if (!isOpening || !frame || frame.hidden) return;
    isOpening = false;
    if (document.activeElement !== host) return; // the reader has gone on in the page
    frame.focus();
    post({ preempt: "focus" });
  };
  const close = () => {
    if (!panel.open) return;
    panel.close();
    launch.setAttribute("aria-expanded", "false");
    const back = opener && opener.isConnected && opener !== host && opener !== document.body ? opener : launch;
    back.focus();
    tell("closed");
  };

  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin || !event.data || !own(event.data, "preempt")) return;
    const what = event.data.preempt;
    if (what === "here") {
      greet(); // before its pictures are there
    } else if (what === "ready") {
      clearTimeout(timer);
      note.hidden = true;
      frame.hidden = false;
      const shown = new URL(String(event.data.page), origin);
      if (shown.origin === origin) page.href = shown.href;
      if (panel.open) enter();
    } else if (what === "close") {
      close();
    } else if (what === "contact-sent" && told !== event.data.page) {
      told = event.data.page;
      tell("contact-sent");
    }
  });
  launch.addEventListener("click", () => (panel.open ? close() : open(null)));
  shut.addEventListener("click", close);
  again.addEventListener("click", () => open(last));
  panel.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // else the page might close something of its own too
    event.preventDefault();
    close();
  });
  covers.addEventListener("change", () => {
    if (!panel.open) return;
    panel.close();
    present();
  });

  const Preempt = (command, asked) => {
    if (command === "open") open(asked);
    else if (command === "close") close();
    else console.warn(`Preempt: no command "${command}"; there are "open" and "close".`);
  };
  Preempt.isReady = true;
  window.Preempt = Preempt;
  const start = () => {
    attach();
    const calls = typeof earlier === "function" && own(earlier, "q") ? earlier.q : [];
    for (const call of calls) Preempt(...call);
  };
  // The button is the page's last stop for the Tab key, so the whole page must be there first.
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
