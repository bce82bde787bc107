// The dialog of a link: an article found by its words (WAI-ARIA's combobox), or an address, which is looked at.
(() => {
  const WAIT = 150; // ms after the last key
  const editor = window.PreemptEditor;

  // ask({ words, href, needsWords }) resolves to { href, words }, { remove: true } or null.
  editor.linkDialog = (dialog, { url, locale }) => {
    const one = (selector) => dialog.querySelector(selector);
    const [words, to, list, error] = [one("#link-words"), one("#link-to"), one("#link-choices"), one("#link-error")];
    const status = one("[data-found]");
    const form = one("form");
    let timer = 0;
    let request = null;
    let done = () => {};

    const options = () => [...list.children];
    const active = () => list.querySelector("[aria-selected=true]");
    const mark = (option) => {
      active()?.setAttribute("aria-selected", "false");
      option?.setAttribute("aria-selected", "true");
      option?.scrollIntoView({ block: "nearest" });
      if (option) to.setAttribute("aria-activedescendant", option.id); else to.removeAttribute("aria-activedescendant");
    };
    const close = () => {
      clearTimeout(timer);
      request?.abort();
      mark(null);
      list.hidden = true;
      to.setAttribute("aria-expanded", "false");
    };
    const complain = (text) => {
      error.textContent = text;
      to.setAttribute("aria-invalid", String(!!text));
    };
    const show = (choices) => {
      list.replaceChildren(...choices.map((choice, at) => {
        const option = document.createElement("li");
        option.id = `link-choice-${at}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        Object.assign(option.dataset, { insert: choice.insert, title: choice.title });
        const title = Object.assign(document.createElement("bdi"), { textContent: choice.title });
        const note = Object.assign(document.createElement("span"), { className: "muted small", textContent: choice.note });
        option.append(title, " ", note);
        return option;
      }));
      list.hidden = !choices.length;
      to.setAttribute("aria-expanded", String(!!choices.length));
      to.removeAttribute("aria-activedescendant");
      status.textContent = `${choices.length} ${status.dataset.found}`;
    };
    const ask = async () => {
      const text = to.value.trim();
      if (text.length < 2 || /^(https?:|mailto:|tel:|article:|\/|#)/i.test(text)) { close(); return; }
      request?.abort();
      request = new AbortController();
      const { signal } = request;
      try {
        const answer = await fetch(`${url}?q=${encodeURIComponent(text)}&locale=${encodeURIComponent(locale)}`, { signal });
        const found = answer.ok ? await answer.json() : { choices: [] };
        if (!signal.aborted) show(found.choices);
      } catch {
        if (!signal.aborted) close(); // no network: an address can be typed all the same
      }
    };
    const take = (option) => {
      to.value = option.dataset.insert;
      if (!words.value) words.value = option.dataset.title;
      complain("");
      close();
    };
    const finish = (answer) => {
      close();
      dialog.close();
      done(answer);
    };

    to.addEventListener("input", (event) => {
      complain("");
      clearTimeout(timer);
      if (!event.isComposing) timer = setTimeout(ask, WAIT);
    });
    to.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const all = options();
      const at = all.indexOf(active());
      if (event.key === "ArrowDown" && !list.hidden) mark(all[at + 1] ?? all[0]);
      else if (event.key === "ArrowUp" && !list.hidden) mark(all[at - 1] ?? all.at(-1));
      else if (event.key === "ArrowDown") ask();
      else if (event.key === "Enter" && active()) take(active());
      else if (event.key === "Escape" && !list.hidden) close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    to.addEventListener("blur", close);
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) take(option);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const href = editor.safeAddress(to.value.trim());
      if (!href) { complain(error.dataset.error); to.focus(); return; }
      if (!words.value.trim()) { complain(error.dataset.errorWords); words.focus(); return; }
      finish({ href, words: words.value.trim() });
    });
    one("[data-remove]").addEventListener("click", () => finish({ remove: true }));
    one("[data-cancel]").addEventListener("click", () => finish(null));
    dialog.addEventListener("cancel", (event) => {
      // Escape closes the list first, then the dialog.
      event.preventDefault();
      if (list.hidden) finish(null); else close();
    });

    return ({ words: text, href }) => new Promise((resolve) => {
      done = resolve;
      words.value = text;
      to.value = href;
      complain("");
      show([]);
      status.textContent = "";
      one("[data-remove]").hidden = !href;
      dialog.showModal();
      to.focus();
    });
  };
})();
