// Suggestions under a search box: WAI-ARIA's combobox with list autocomplete and manual selection. The server renders the
// list (data-suggest on the form); without this script the form is a plain one.
(() => {
  const WAIT = 120; // ms after the last key
  const LEAST = 2; // characters

  const equip = (form, number) => {
    const input = form.querySelector("input[type=search]");
    const popup = document.createElement("div");
    const status = document.createElement("div");
    popup.id = `suggestions-${number}`;
    popup.className = "suggestions";
    popup.setAttribute("role", "listbox");
    popup.setAttribute("aria-label", form.dataset.suggestLabel);
    popup.hidden = true;
    status.className = "visually-hidden";
    status.setAttribute("role", "status");
    form.append(popup, status);
    const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": popup.id };
    for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);

    let timer = 0;
    let request = null; // the one under way
    let shown = ""; // the text that the list is about
    let rest = 0; // not before this moment, where the server asked for a pause
    const options = () => [...popup.querySelectorAll("[role=option]")];
    const active = () => popup.querySelector("[aria-selected=true]");

    const mark = (option) => {
      active()?.setAttribute("aria-selected", "false");
      option?.setAttribute("aria-selected", "true");
      option?.scrollIntoView({ block: "nearest" });
      if (option) input.setAttribute("aria-activedescendant", option.id);
      else input.removeAttribute("aria-activedescendant");
    };
    const open = () => {
      popup.hidden = false;
      input.setAttribute("aria-expanded", "true");
    };
    const close = () => {
      clearTimeout(timer);
      request?.abort();
      mark(null);
      popup.hidden = true;
      input.setAttribute("aria-expanded", "false");
      status.textContent = "";
    };
    const show = (html, text) => {
      const part = new DOMParser().parseFromString(html, "text/html").querySelector("[data-status]");
      popup.replaceChildren(...(part ? part.children : []));
      options().forEach((option, place) => { option.id = `${popup.id}-${place}`; });
      popup.querySelectorAll("[role=group]").forEach((group, place) => {
        group.firstElementChild.id = `${popup.id}-group-${place}`;
        group.setAttribute("aria-labelledby", group.firstElementChild.id);
      });
      shown = text;
      input.removeAttribute("aria-activedescendant");
      if (options().length) open(); else close();
      status.textContent = part?.dataset.status ?? "";
    };
    const ask = async () => {
      const text = input.value.trim();
      if (text.length < LEAST || document.activeElement !== input || Date.now() < rest) return;
      request?.abort();
      request = new AbortController();
      const { signal } = request;
      try {
        const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(text)}`, { signal });
        if (answer.status === 429) rest = Date.now() + 1000 * Number(answer.headers.get("Retry-After") || 10);
        const html = answer.ok ? await answer.text() : "";
        if (!signal.aborted) show(html, text);
      } catch (error) {
        // Aborted by a newer one, or no network: the form works all the same.
        if (!signal.aborted) close();
      }
    };
    const later = () => {
      clearTimeout(timer);
      request?.abort();
      if (input.value.trim().length < LEAST) { shown = ""; close(); } else timer = setTimeout(ask, WAIT);
    };
    const move = (step) => {
      const all = options();
      const place = all.indexOf(active());
      // One step past either end is the text itself.
      if (all.length) mark(all[place < 0 ? (step > 0 ? 0 : all.length - 1) : place + step] ?? null);
    };
    const keys = {
      ArrowDown: (event) => {
        if (!popup.hidden) move(1);
        else if (options().length && shown === input.value.trim()) { open(); if (!event.altKey) move(1); }
        else ask();
        return true;
      },
      ArrowUp: (event) => {
        if (popup.hidden) return false;
        if (event.altKey) close(); else move(-1);
        return true;
      },
      Enter: () => {
        const chosen = popup.hidden ? null : active();
        if (!chosen) { close(); return false; }
        chosen.click();
        return true;
      },
      Escape: () => {
        if (popup.hidden) return false;
        close();
        return true;
      },
      // Back into the text, where the browser then moves the caret.
      Home: () => { mark(null); return false; },
      End: () => { mark(null); return false; },
      ArrowLeft: () => { mark(null); return false; },
      ArrowRight: () => { mark(null); return false; },
      Tab: () => { close(); return false; },
    };

    // While a word is being composed (Japanese, an accent) the keys belong to the input method.
    input.addEventListener("input", (event) => { mark(null); if (!event.isComposing) later(); });
    input.addEventListener("compositionend", later);
    input.addEventListener("keydown", (event) => {
      if (!event.isComposing && keys[event.key]?.(event)) event.preventDefault();
    });
    input.addEventListener("blur", close);
    input.addEventListener("focus", () => { if (shown && shown === input.value.trim() && options().length) open(); });
    // A press on the list must not take the focus, which would close the list before the click.
    popup.addEventListener("mousedown", (event) => event.preventDefault());
    popup.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option?.dataset.query) input.value = option.dataset.query;
    });
    form.addEventListener("submit", close);
    addEventListener("pagehide", close);
  };

  document.querySelectorAll("form[data-suggest]").forEach(equip);
})();
