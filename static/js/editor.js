// The editor of an article's text. The field of the form stays what is saved; this shows it as it will look, or as
// Markdown, with one toolbar for both, and keeps the field's value right at every key.
//
// With others: `input` events on the field tell of every change. `preempt:set-text` (detail.body) on the document loads
// another text (a restored one, say); `preempt:text-replaced` on the form says that this was done.
(() => {
  const root = document.querySelector("[data-editor]");
  if (!root || !window.ProseMirror) return;
  const PM = window.ProseMirror;
  const editor = window.PreemptEditor;
  const field = root.querySelector("textarea");
  const form = field.form;
  for (const name of Object.keys(editor.words)) editor.words[name] = root.dataset[`word${name[0].toUpperCase()}${name.slice(1)}`];

  const parts = document.getElementById("editor-parts").content.cloneNode(true);
  const dialogs = [...parts.querySelectorAll("dialog")];
  document.body.append(...dialogs); // a dialog's form may not stand within the article's
  const writing = parts.querySelector(".writing");
  const place = field.parentElement;
  field.before(writing);
  const bar = writing.querySelector(".toolbar");
  const visual = writing.querySelector("[data-visual]");
  const said = writing.querySelector("[data-said]");
  visual.after(field);
  root.querySelector("[data-no-script]")?.remove();
  const label = place.querySelector("label");
  label.id ||= "body-label";
  const hint = place.querySelector(".hint");

  const store = { // storage may be forbidden: the choice then lasts for the page
    get() { try { return localStorage.getItem("editor-view"); } catch { return null; } },
    set(value) { try { localStorage.setItem("editor-view", value); } catch { /* nothing to keep it in */ } },
  };

  let view = null; // ProseMirror's
  let opened = null; // what the document was made of
  let isVisual = false;
  let isOurs = false; // the field's value changes by our own hand

  const say = (text) => { said.textContent = text; };
  const announce = () => {
    isOurs = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    isOurs = false;
  };
  // What the view shows, into the field: from here on it is what is saved.
  const sync = () => {
    const text = editor.markdown.text(view.state.doc, opened);
    if (text === field.value) return;
    field.value = text;
    announce();
  };
  const stateOf = (text) => {
    opened = editor.markdown.open(text);
    return PM.EditorState.create({
      doc: editor.withRoomBehind(opened.doc),
      plugins: editor.plugins({
        "Mod-k": () => { run("link"); return true; },
        "Alt-F10": () => { toolbar.focus(); return true; },
        Enter: (state) => {
          if (state.selection.node?.type.name !== "image") return false;
          run("picture");
          return true;
        },
      }),
    });
  };

  const picturesIn = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  const paste = (event) => {
    // Copied from a text, a picture comes along as a drawing of the words: the words are what is meant.
    const files = picturesIn(event.clipboardData);
    if (!files.length || event.clipboardData.getData("text/plain")) return false;
    event.preventDefault();
    addPictures(files);
    return true;
  };
  const drop = (event) => {
    const files = picturesIn(event.dataTransfer);
    if (!files.length) return false;
    event.preventDefault();
    if (view && isVisual) {
      const at = view.posAtCoords({ left: event.clientX, top: event.clientY });
      if (at) view.dispatch(view.state.tr.setSelection(PM.Selection.near(view.state.doc.resolve(at.pos))));
    }
    addPictures(files);
    return true;
  };

  const showVisual = () => {
    if (!view) {
      view = new PM.EditorView(visual, {
        state: stateOf(field.value),
        attributes: {
          role: "textbox", "aria-multiline": "true", "aria-labelledby": label.id, class: "writing-area",
          "aria-describedby": "writing-hint", spellcheck: "true",
          lang: root.dataset.locale || document.documentElement.lang,
        },
        dispatchTransaction(tr) {
          view.updateState(view.state.apply(tr));
          if (tr.docChanged) sync();
          toolbar.refresh();
        },
        handlePaste: (_view, event) => paste(event),
        handleDrop: (_view, event) => drop(event),
        handleDoubleClickOn: (_view, _pos, node) => node.type.name === "image" && (run("picture"), true),
      });
      // What the browser says of its own changes to the page is not yet what the field holds.
      view.dom.addEventListener("input", (event) => event.stopPropagation());
    } else if (opened.text !== field.value && editor.markdown.text(view.state.doc, opened) !== field.value) {
      view.updateState(stateOf(field.value));
    }
  };

  // The line of the source that the caret is in, or at which its block begins: switching loses nobody's place.
  const lineOf = (text, at) => text.slice(0, at).split("\n").length - 1;
  const lineHere = () => {
    if (!isVisual) return lineOf(field.value, field.selectionStart);
    const { doc, selection } = view.state;
    const index = Math.min(selection.$from.index(0), doc.childCount - 1);
    if (!index) return 0;
    let size = 0;
    for (let before = 0; before < index; before += 1) size += doc.child(before).nodeSize;
    let at = editor.markdown.text(doc.copy(doc.content.cut(0, size)), { ...opened, text: "" }).length;
    while (field.value[at] === "\n") at += 1;
    return lineOf(field.value, at);
  };
  const goTo = (line) => {
    if (!isVisual) {
      const at = field.value.split("\n").slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
      field.setSelectionRange(at, at);
      return;
    }
    let [pos, lines] = [0, opened.head.split("\n").length - 1];
    for (const { node, source, gap } of opened.originals) {
      lines += (source + gap).split("\n").length - 1;
      if (lines > line) break;
      pos += node.nodeSize;
    }
    const doc = view.state.doc;
    view.dispatch(view.state.tr.setSelection(PM.Selection.near(doc.resolve(Math.min(pos, doc.content.size)))).scrollIntoView());
  };

  const show = (name, { focus = false } = {}) => {
    const line = view && focus ? lineHere() : 0;
    isVisual = name === "visual";
    if (isVisual) showVisual();
    visual.hidden = !isVisual;
    field.hidden = isVisual;
    label.htmlFor = isVisual ? "" : field.id;
    if (hint) hint.hidden = isVisual; // it tells how Markdown is written
    for (const button of writing.querySelectorAll("[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === name));
    }
    toolbar.refresh();
    if (focus) { surface.focus(); goTo(line); }
  };

  const askForLink = async () => {
    if (!isVisual) {
      const words = editor.chosenSource(field);
      const answer = await linkDialog({ words, href: "" });
      field.focus();
      if (answer?.href) editor.putSource(field, `[${answer.words.replace(/[[\]\\]/g, "\\$&")}](${answer.href})`);
      return;
    }
    const { from, to, href, words } = editor.linkAt(view.state);
    const answer = await linkDialog({ words, href });
    view.focus();
    if (!answer) return;
    const { link } = editor.schema.marks;
    const tr = view.state.tr;
    if (answer.remove) tr.removeMark(from, to, link);
    else {
      let end = to;
      if (answer.words !== words) {
        const worn = view.state.doc.resolve(from).marks().filter((mark) => mark.type !== link && mark.type.name !== "code");
        tr.replaceWith(from, to, editor.schema.text(answer.words, worn));
        end = from + answer.words.length;
      }
      tr.removeMark(from, end, link).addMark(from, end, link.create({ href: answer.href }));
      tr.setSelection(PM.TextSelection.create(tr.doc, end)).removeStoredMark(link);
    }
    view.dispatch(tr.scrollIntoView());
  };

  const addPictures = async (files) => {
    for (const file of files.length ? files : [null]) {
      const selected = isVisual && !file ? view.state.selection.node : null;
      const there = selected?.type.name === "image" ? selected.attrs : null;
      const answer = await pictureDialog(there ? { src: there.src, alt: there.alt } : { file });
      surface.focus();
      if (!answer) return;
      if (!isVisual) {
        const alt = answer.alt.replace(/[[\]\\]/g, "\\$&");
        editor.putSourceBlock(field, `![${alt}](${answer.src})`);
        continue;
      }
      const image = editor.schema.nodes.image.create({ ...there, ...answer });
      view.dispatch(view.state.tr.replaceSelectionWith(image, false).scrollIntoView());
    }
  };

  const insertPiece = (insert) => {
    const isBlock = insert.startsWith("{{block:");
    if (!isVisual) {
      if (isBlock) editor.putSourceBlock(field, insert); else editor.putSource(field, insert);
      return;
    }
    const { nodes } = editor.schema;
    const chip = nodes.chip.create({ source: insert });
    const tr = view.state.tr;
    if (isBlock) {
      const { $from } = view.state.selection;
      const isEmpty = $from.depth === 1 && !$from.parent.content.size;
      const at = isEmpty ? $from.before(1) : $from.depth ? $from.after(1) : view.state.selection.to;
      // A block stands on a line of its own: the caret goes on in a paragraph behind it.
      tr.replaceWith(at, isEmpty ? $from.after(1) : at, [nodes.paragraph.create(null, chip), nodes.paragraph.create()]);
      tr.setSelection(PM.TextSelection.create(tr.doc, at + 4));
    } else tr.replaceSelectionWith(chip);
    view.dispatch(tr.scrollIntoView());
    view.focus();
  };

  const run = (name, data = {}) => {
    if (name === "link") askForLink();
    else if (name === "picture") addPictures([]);
    else if (name === "piece") insertPiece(data.insert);
    else if (isVisual) {
      view.focus();
      editor.commands[name](view.state, view.dispatch, view);
    } else {
      field.focus();
      editor.sourceCommands[name]?.(field);
    }
  };
  const surface = {
    run,
    focus: () => (isVisual ? view.focus() : field.focus()),
    isOn: (name) => isVisual && !!editor.isOn[name]?.(view.state),
    can: ({ run: name, within, insert }) => {
      if (insert || name === "link" || name === "picture") return true;
      if (!isVisual) return name in editor.sourceCommands;
      if (within && !editor.isWithin[within](view.state)) return false;
      return editor.commands[name]?.(view.state) ?? true;
    },
  };

  const token = () => form.querySelector("[name=csrfmiddlewaretoken]").value;
  const [linkPart, picturePart] = dialogs;
  const linkDialog = editor.linkDialog(linkPart, {
    url: root.dataset.links,
    get locale() { return root.dataset.locale || form.elements.locale?.value || ""; },
  });
  const pictureDialog = editor.pictureDialog(picturePart, { url: root.dataset.upload, token });
  const pieces = bar.querySelector("[data-menu=pieces]");
  pieces.hidden = true;
  const toolbar = editor.toolbar(bar, surface);

  const loadPieces = async () => {
    if (!root.dataset.choices) return;
    const answer = await fetch(`${root.dataset.choices}?locale=${encodeURIComponent(root.dataset.locale)}`).catch(() => null); // no network: the menu stays away
    const found = answer?.ok ? await answer.json() : [];
    const menu = document.getElementById("menu-pieces");
    menu.replaceChildren(...found.map((choice) => {
      const item = document.createElement("li");
      item.setAttribute("role", "menuitem");
      item.tabIndex = -1;
      Object.assign(item.dataset, { run: "piece", insert: choice.insert });
      const shows = Object.assign(document.createElement("span"), { className: "muted small", textContent: choice.shows ?? "" });
      item.append(choice.label, " ", shows);
      return item;
    }));
    pieces.hidden = !found.length;
  };

  writing.querySelector(".segments").addEventListener("click", (event) => {
    const name = event.target.closest("[data-view]")?.dataset.view;
    if (!name || (name === "visual") === isVisual) return;
    store.set(name);
    show(name, { focus: true });
  });
  label.addEventListener("click", () => { if (isVisual) view.focus(); });
  const markdownKeys = { b: "bold", i: "italic", e: "code", k: "link" };
  field.addEventListener("keydown", (event) => {
    const name = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && markdownKeys[event.key.toLowerCase()];
    if (name) run(name);
    else if (event.altKey && event.key === "F10") toolbar.focus();
    else return;
    event.preventDefault();
  });
  field.addEventListener("paste", paste);
  field.addEventListener("drop", drop);
  document.addEventListener("preempt:set-text", (event) => {
    field.value = event.detail.body;
    if (view) view.updateState(stateOf(field.value));
    toolbar.refresh();
    form.dispatchEvent(new CustomEvent("preempt:text-replaced", { bubbles: true }));
  });
  // Whoever writes into the field by script while the view is shown is shown too.
  field.addEventListener("input", () => { if (!isOurs && isVisual) showVisual(); });
  // A page brought back by the browser brings its fields back, behind our back.
  addEventListener("pageshow", () => { if (isVisual) showVisual(); });

  show(store.get() === "markdown" ? "markdown" : "visual");
  loadPieces();
  say("");
})();
