// The draft is saved while somebody writes. Without this script there is the button "Save draft".
//
// Two people never overwrite each other: each save names the version that it was made from, and the server refuses one
// that is not the newest. Whoever comes second to the editor is told who is there, and their text waits in the browser.
// What could not be saved is kept in the browser too, and offered when the article is opened again.
(() => {
  const form = document.getElementById("article-form");
  if (!form) return;
  const FIELDS = ["title", "summary", "body"];
  const AFTER = 1500, AT_MOST = 5000, BEAT = 10000; // ms after the last key, while typing on, between heartbeats
  const { saveUrl, hereUrl } = form.dataset;
  const KEY = `draft:${form.dataset.draft}`;
  const notices = document.getElementById("writing-notices");
  const state = document.getElementById("save-state");
  const said = notices.dataset;
  const field = (name) => form.elements[name];
  const notice = (name) => notices.querySelector(`[data-notice="${name}"]`);
  const texts = () => Object.fromEntries(FIELDS.map((name) => [name, field(name).value]));
  const isSame = (one, other) => FIELDS.every((name) => one[name].replaceAll("\r\n", "\n") === other[name].replaceAll("\r\n", "\n"));

  const NEW = `draft:new-${form.dataset.draft.split("-").at(-1)}`;
  const store = { // storage may be forbidden: then nothing is kept
    get(key = KEY) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    set(kept) { try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* full or forbidden */ } },
    clear(key = KEY) { try { localStorage.removeItem(key); } catch { /* there is none */ } },
  };

  let saved = texts(); // what the server has
  let others = null; // changed fields that only a button saves
  let saving = false, conflict = false, sending = false, isMine = true, firstUnsaved = 0;
  let timer = 0;

  const isDirty = () => !isSame(texts(), saved);
  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, { hour12: false });
  const say = (text, isBad) => { state.textContent = text; state.classList.toggle("is-unsaved", Boolean(isBad)); };
  const show = (name, values) => {
    const box = notice(name);
    for (const [key, value] of Object.entries(values ?? {})) {
      const place = box.querySelector(`[data-${key}]`);
      // Only what is different is written: a screen reader would read it out again.
      if (place && place.textContent !== value) place.textContent = value;
    }
    if (box.hidden) box.hidden = false;
  };
  const hide = (name) => { if (!notice(name).hidden) notice(name).hidden = true; };
  const keep = () => store.set({ ...texts(), version: field("version").value, at: clock() });

  const body = (values) => {
    const data = new URLSearchParams(values);
    data.set("csrfmiddlewaretoken", field("csrfmiddlewaretoken").value);
    return data;
  };
  // A sign-in page in the place of an answer is a redirect, which is not followed.
  const post = (url, values) => fetch(url, {
    method: "POST", body: body(values), redirect: "manual", credentials: "same-origin", signal: AbortSignal.timeout(15000),
  });

  const save = async () => {
    clearTimeout(timer);
    timer = 0;
    if (!saveUrl || saving || conflict || sending || !isDirty()) return;
    if (!isMine) { say(said.held, true); return; }
    saving = true;
    const sent = texts();
    say(said.saving);
    try {
      const response = await post(saveUrl, { ...sent, version: field("version").value });
      if (response.ok) {
        const answer = await response.json();
        // Buttons elsewhere on the page name the draft that is on the screen.
        for (const input of document.querySelectorAll('input[name="version"]')) input.value = answer.version;
        saved = sent;
        firstUnsaved = 0;
        if (isDirty()) keep(); else store.clear();
        say(`${said.saved} ${answer.at}`);
        form.dispatchEvent(new CustomEvent("preempt:saved", { bubbles: true, detail: { version: answer.version } }));
      } else if (response.status === 409) {
        const answer = await response.json();
        conflict = true;
        hide("held");
        hide("newer");
        show("conflict", { name: answer.who, at: answer.at });
        say(said.conflict, true);
      } else if (response.type === "opaqueredirect") {
        say(said.signedOut, true);
      } else {
        say(response.status === 422 ? (await response.json()).problem : said.refused, true);
      }
    } catch {
      say(said.offline, true);
    }
    saving = false;
    if (isDirty() && !conflict && isMine && !timer) plan();
  };

  const plan = () => {
    clearTimeout(timer);
    firstUnsaved ||= Date.now();
    const wait = Math.max(0, Math.min(AFTER, firstUnsaved + AT_MOST - Date.now()));
    timer = setTimeout(() => { timer = 0; firstUnsaved = 0; save(); }, wait);
  };

  form.addEventListener("input", (event) => {
    if (!FIELDS.includes(event.target.name)) return;
    if (!isDirty()) { if (!conflict) store.clear(); return; }
    keep();
    if (!saveUrl) say(said.local, true);
    else if (!conflict) plan();
  });
  form.addEventListener("change", (event) => {
    if (!FIELDS.includes(event.target.name) && ["category", "visibility"].includes(event.target.name)) others = event.target.name;
  });
  form.addEventListener("submit", () => {
    sending = true;
    clearTimeout(timer);
    keep(); // until the page that comes has the text
  });

  // Who else is here.
  const beat = async (values) => {
    if (!hereUrl || document.visibilityState !== "visible") return;
    let answer;
    try {
      const response = await post(hereUrl, values ?? {});
      if (!response.ok) return;
      answer = await response.json();
    } catch {
      return; // the next save says that there is no connection
    }
    const wasMine = isMine;
    isMine = answer.is_me;
    if (isMine || conflict) hide("held"); else show("held", { name: answer.name, at: answer.since });
    const isNewer = Number(field("version").value) < answer.version;
    if (isNewer && !saving && !conflict && !isDirty()) show("newer"); else hide("newer");
    if (isMine && !wasMine && isDirty()) save();
    if (isMine && isDirty() && !saving && !timer && !conflict) save(); // after a time without connection
  };
  if (hereUrl) {
    notices.querySelector('[data-do="take-over"]').hidden = false;
    notices.querySelector('[data-do="take-over"]').addEventListener("click", () => beat({ take_over: "1" }));
    setInterval(beat, BEAT);
    beat();
    addEventListener("pagehide", () => navigator.sendBeacon(hereUrl, body({ leave: "1" })));
    addEventListener("pageshow", (event) => { if (event.persisted) { sending = false; beat(); } });
  }
  addEventListener("online", () => { beat(); save(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(); else beat(); });
  addEventListener("beforeunload", (event) => { if (!sending && (isDirty() || others)) event.preventDefault(); });

  // A text that was not saved, from an earlier opening.
  const kept = store.get();
  if (kept && FIELDS.every((name) => typeof kept[name] === "string")) {
    if (isSame(kept, saved)) store.clear(); else show("kept", { at: kept.at });
  }
  const first = KEY === NEW ? null : store.get(NEW);
  if (first && isSame(first, saved)) store.clear(NEW); // what was typed on the page "New article" is this article
  const settle = () => { hide("kept"); (field("body").parentElement ?? form).scrollIntoView?.({ block: "nearest" }); };
  notices.querySelector('[data-do="use-kept"]').addEventListener("click", () => {
    // Made from the version that it was made from: where the draft is newer, the save says so and shows both.
    if (kept.version) field("version").value = kept.version;
    for (const name of FIELDS) field(name).value = kept[name];
    field("body").dispatchEvent(new CustomEvent("preempt:set-text", { bubbles: true, detail: { body: kept.body } }));
    field("body").dispatchEvent(new Event("input", { bubbles: true }));
    settle();
  });
  notices.querySelector('[data-do="drop-kept"]').addEventListener("click", () => { store.clear(); hide("kept"); });
})();
