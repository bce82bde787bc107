// The same buttons on the Markdown view: they write the marks into the plain text, around what is selected.
(() => {
  const editor = window.PreemptEditor;

  // Typed as if by hand, so that the browser's own undo takes it back.
  const put = (field, from, to, text) => {
    field.focus();
    field.setSelectionRange(from, to);
    const isDone = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
    if (!isDone) {
      field.setRangeText(text, from, to, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };
  const chosen = (field) => field.value.slice(field.selectionStart, field.selectionEnd);

  const around = (mark) => (field) => {
    const { selectionStart: from, selectionEnd: to, value } = field;
    const size = mark.length;
    if (value.slice(from - size, from) === mark && value.slice(to, to + size) === mark) {
      put(field, from - size, to + size, value.slice(from, to));
      field.setSelectionRange(from - size, to - size);
    } else {
      put(field, from, to, mark + value.slice(from, to) + mark);
      field.setSelectionRange(from + size, to + size);
    }
  };

  // The whole lines of the selection, through `change`.
  const lines = (change) => (field) => {
    const { value, selectionStart, selectionEnd } = field;
    const from = value.lastIndexOf("\n", selectionStart - 1) + 1;
    const end = value.indexOf("\n", selectionEnd);
    const to = end < 0 ? value.length : end;
    const text = change(value.slice(from, to).split("\n")).join("\n");
    put(field, from, to, text);
    field.setSelectionRange(from, from + text.length);
  };
  const prefix = (mark, taken) => lines((all) => (all.every((line) => taken.test(line))
    ? all.map((line) => line.replace(taken, ""))
    : all.map((line, at) => (typeof mark === "string" ? mark : mark(at)) + line.replace(/^(#{1,6} |[-*+] |\d+[.)] )/, ""))));
  const numbered = prefix((at) => `${at + 1}. `, /^\d+[.)] /);

  // A block of its own, with a blank line before and behind.
  const block = (field, text) => {
    const { value, selectionStart: from, selectionEnd: to } = field;
    const before = value.slice(0, from);
    const lead = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
    const tail = value.slice(to).startsWith("\n\n") || !value.slice(to) ? "" : value.slice(to).startsWith("\n") ? "\n" : "\n\n";
    put(field, from, to, lead + text + tail);
  };
  const callout = (kind) => (field) => lines((all) => [`> [!${kind}]`, ...all.map((line) => `> ${line}`)])(field);

  editor.sourceCommands = {
    bold: around("**"),
    italic: around("*"),
    code: around("`"),
    h2: prefix("## ", /^## /),
    h3: prefix("### ", /^### /),
    bullets: prefix("- ", /^[-*+] /),
    numbers: numbered,
    steps: (field) => {
      numbered(field);
      put(field, field.selectionStart, field.selectionStart, "<!-- steps -->\n");
    },
    quote: prefix("> ", /^> ?/),
    codeblock: (field) => block(field, `\`\`\`\n${chosen(field)}\n\`\`\``),
    "callout:note": callout("NOTE"),
    "callout:tip": callout("TIP"),
    "callout:warning": callout("WARNING"),
    "table:insert": (field) => block(field, "|  |  |  |\n| --- | --- | --- |\n|  |  |  |\n|  |  |  |"),
    undo: (field) => { field.focus(); document.execCommand("undo"); },
    redo: (field) => { field.focus(); document.execCommand("redo"); },
  };
  editor.putSource = (field, text) => put(field, field.selectionStart, field.selectionEnd, text);
  editor.putSourceBlock = block;
  editor.chosenSource = chosen;
})();
