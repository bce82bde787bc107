// Markdown ⇄ the editor's document. A text is opened as blocks, each with its own source, and the blank lines between
// them. Writing gives every block that nobody changed its source back, byte by byte; only the others are written anew.
(() => {
  const { MarkdownIt, MarkdownParser, MarkdownSerializer } = window.ProseMirror;
  const { schema } = window.PreemptEditor;
  const editor = window.PreemptEditor;

  const STEPS = "<!-- steps -->";
  const CALLOUT = /^\[!(NOTE|IMPORTANT|TIP|WARNING|CAUTION)\][ \t]*(?:\n|$)/i;
  const KINDS = { NOTE: "note", IMPORTANT: "note", TIP: "tip", WARNING: "warning", CAUTION: "warning" };
  const PLACEHOLDER = /\{\{\s*(?:fact|block)\s*:[^{}\r\n]*\}\}/i; // as kb/placeholders.py has it
  editor.PLACEHOLDER = PLACEHOLDER;

  // --- Reading ---------------------------------------------------------------------------------------------------

  // The same grammar as kb/rendering.py's, but that HTML is recognised, to be kept as it is.
  const markdown = new MarkdownIt("commonmark", { html: true }).enable(["table", "strikethrough"]);
  const sticky = new RegExp(PLACEHOLDER, "iy");
  markdown.inline.ruler.before("text", "placeholder", (state, silent) => {
    if (state.src.charCodeAt(state.pos) !== 0x7b) return false;
    sticky.lastIndex = state.pos;
    const found = sticky.exec(state.src);
    if (!found) return false;
    if (!silent) state.push("placeholder", "", 0).content = found[0];
    state.pos += found[0].length;
    return true;
  });
  markdown.core.ruler.before("inline", "callouts", (state) => {
    const kept = [];
    const ours = [];
    const all = state.tokens;
    for (let at = 0; at < all.length; at += 1) {
      const token = all[at];
      let skip = 0;
      if (token.type === "blockquote_open") {
        const found = all[at + 1].type === "paragraph_open" && CALLOUT.exec(all[at + 2].content);
        ours.push(!!found);
        if (found) {
          token.type = "callout_open";
          token.info = KINDS[found[1].toUpperCase()];
          const rest = all[at + 2].content.slice(found[0].length);
          if (rest) all[at + 2].content = rest;
          else skip = 3; // the paragraph says nothing else
        }
      } else if (token.type === "blockquote_close" && ours.pop()) token.type = "callout_close";
      kept.push(token);
      at += skip;
    }
    state.tokens = kept;
  });
  markdown.core.ruler.before("inline", "steps", (state) => {
    state.tokens = state.tokens.filter((token, at) => {
      const next = state.tokens[at + 1];
      if (token.type !== "html_block" || token.content.trim() !== STEPS || next?.type !== "ordered_list_open") return true;
      next.meta = { steps: true };
      next.map = [token.map[0], next.map[1]];
      return false;
    });
  });

  const isTight = (tokens, at) => !!tokens.slice(at + 1).find((token) => token.type !== "list_item_open")?.hidden;
  const alignment = (token) => ({ "text-align:right": "end", "text-align:center": "center" })[token.attrGet("style")] ?? "";
  const chip = (token) => ({ source: token.content });
  const parser = new MarkdownParser(schema, { parse: (tokens) => tokens }, {
    paragraph: { block: "paragraph" },
    heading: { block: "heading", getAttrs: (token) => ({ level: Number(token.tag.slice(1)) }) },
    blockquote: { block: "blockquote" },
    callout: { block: "callout", getAttrs: (token) => ({ kind: token.info }) },
    bullet_list: {
      block: "bullet_list", getAttrs: (token, all, at) => ({ marker: token.markup, tight: isTight(all, at) }),
    },
    ordered_list: {
      block: "ordered_list",
      getAttrs: (token, all, at) => ({
        order: Number(token.attrGet("start") ?? 1), marker: token.markup, tight: isTight(all, at), steps: !!token.meta?.steps,
      }),
    },
    list_item: { block: "list_item" },
    code_block: { block: "code_block", noCloseToken: true },
    fence: { block: "code_block", getAttrs: (token) => ({ params: token.info }), noCloseToken: true },
    hr: { node: "horizontal_rule" },
    html_block: { node: "raw_block", getAttrs: (token) => ({ source: token.content.replace(/\n+$/, "") }) },
    table: { block: "table" },
    thead: { ignore: true },
    tbody: { ignore: true },
    tr: { block: "table_row" },
    th: { block: "table_header", getAttrs: (token) => ({ align: alignment(token) }) },
    td: { block: "table_cell", getAttrs: (token) => ({ align: alignment(token) }) },
    image: {
      node: "image",
      getAttrs: (token) => ({
        src: token.attrGet("src"), title: token.attrGet("title"), alt: token.children.map((child) => child.content).join(""),
      }),
    },
    hardbreak: { node: "hard_break" },
    softbreak: { node: "soft_break" },
    html_inline: { node: "chip", getAttrs: chip },
    placeholder: { node: "chip", getAttrs: chip },
    em: { mark: "em" },
    strong: { mark: "strong" },
    s: { mark: "strike" },
    link: { mark: "link", getAttrs: (token) => ({ href: token.attrGet("href"), title: token.attrGet("title") }) },
    code_inline: { mark: "code", noCloseToken: true },
  });

  const raw = (source) => schema.node("raw_block", { source });

  // The nodes of a text: [{node, from, to}] with the lines that each takes, `to` not among them.
  const blocksOf = (text, env) => {
    const tokens = markdown.parse(text, env);
    const blocks = [];
    for (let at = 0; at < tokens.length; at += 1) {
      const start = at;
      while (tokens[at].nesting === 1 || tokens[at].level > 0) {
        at += 1;
        if (tokens[at].level === 0 && tokens[at].nesting === -1) break;
      }
      const [from, to] = tokens[start].map;
      let node = null;
      try {
        node = parser.parse(tokens.slice(start, at + 1)).firstChild;
        node.check();
      } catch { node = null; } // something that this view does not know: shown as its source
      blocks.push({ node, from, to });
    }
    return blocks;
  };

  const linesOf = (text) => text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
  const isBlank = (line) => !/[^ \t\r\n]/.test(line);

  // A fence that nothing closes: every blank line to the end of the text is its code.
  const isOpenFence = (node, from, to, lines) => node?.type.name === "code_block" && to === lines.length
    && /^ {0,3}(?:`{3}|~{3})/.test(lines[from]) && !(to > from + 1 && /^ {0,3}(?:`{3,}|~{3,})[ \t\r\n]*$/.test(lines[to - 1]));

  // An opened text: its document, and what it takes to write it back.
  const open = (text) => {
    const lines = linesOf(text);
    const env = {};
    const parts = []; // [first line, line after the last, node]
    let line = 0;
    const rest = (until) => { // lines of no block: link definitions, which have no place in the document but a source
      while (line < until) {
        if (isBlank(lines[line])) { line += 1; continue; }
        let to = line;
        while (to < until && !isBlank(lines[to])) to += 1;
        parts.push([line, to, null]);
        line = to;
      }
    };
    for (const { node, from, to } of blocksOf(text, env)) {
      rest(from);
      let end = Math.min(to, lines.length);
      while (!isOpenFence(node, from, end, lines) && end > from + 1 && isBlank(lines[end - 1])) end -= 1;
      parts.push([from, end, node]);
      line = Math.max(line, end);
    }
    rest(lines.length);
    const originals = [];
    let before = lines.slice(0, parts[0]?.[0] ?? lines.length).join("");
    const head = before;
    parts.forEach(([from, to, node], at) => {
      const whole = lines.slice(from, to).join("");
      const source = isOpenFence(node, from, to, lines) ? whole : whole.replace(/(?:\r\n|\r|\n)$/, "");
      const until = at + 1 < parts.length ? parts[at + 1][0] : lines.length;
      const gap = whole.slice(source.length) + lines.slice(to, until).join("");
      const made = node ?? raw(source);
      const own = made.type.create({ ...made.attrs, origin: at }, made.content, made.marks);
      originals.push({ node: own, source, gap });
    });
    const doc = schema.node("doc", null, originals.length ? originals.map((each) => each.node) : [schema.node("paragraph")]);
    return { text, head, originals, doc, references: env.references ?? {}, eol: text.includes("\r\n") ? "\r\n" : "\n" };
  };

  // --- Writing ---------------------------------------------------------------------------------------------------

  // A list beside another of its kind would become one with it, were the marker the same.
  const markerOf = (node, parent, index) => {
    const before = parent && index > 0 ? parent.child(index - 1) : null;
    if (before?.type !== node.type || node.attrs.steps) return node.attrs.marker;
    const taken = markerOf(before, parent, index - 1);
    if (taken !== node.attrs.marker) return node.attrs.marker;
    return { "-": "*", "*": "-", "+": "-", ".": ")", ")": "." }[taken];
  };

  const writeList = (state, node, first) => {
    if (state.closed && state.closed.type === node.type) state.flushClose(2);
    else if (state.inTightList) state.flushClose(1);
    const outer = state.inTightList;
    state.inTightList = node.attrs.tight;
    node.forEach((child, _offset, index) => {
      if (index && node.attrs.tight) state.flushClose(1);
      const mark = `${first(index)} `;
      state.wrapBlock(" ".repeat(mark.length), mark, node, () => state.render(child, node, index));
    });
    state.inTightList = outer;
  };

  const fenceFor = (text) => {
    const longest = Math.max(2, ...(text.match(/`{3,}/g) ?? []).map((run) => run.length));
    return "`".repeat(longest + 1);
  };

  const writeRow = (state, row) => {
    state.write("|");
    row.forEach((cell) => {
      state.out += " ";
      const at = state.out.length;
      state.renderInline(cell, false);
      const inside = state.out.slice(at).replace(/\\?\n/g, " ").replace(/\\?\|/g, "\\|").trim();
      state.out = `${state.out.slice(0, at)}${inside} |`;
    });
    state.ensureNewLine();
  };

  const nodes = (escape) => ({
    paragraph(state, node) { state.renderInline(node); state.closeBlock(node); },
    heading(state, node) {
      state.write(`${"#".repeat(node.attrs.level)} `);
      state.renderInline(node, false);
      state.closeBlock(node);
    },
    blockquote(state, node) { state.wrapBlock("> ", null, node, () => state.renderContent(node)); },
    callout(state, node) {
      state.wrapBlock("> ", null, node, () => {
        state.write(`[!${node.attrs.kind.toUpperCase()}]`);
        state.ensureNewLine();
        const first = node.firstChild;
        // After the word's line only a paragraph goes on; anything else needs a line between.
        if (first.type.name !== "paragraph" || !first.content.size) { state.write(""); state.out += "\n"; }
        state.renderContent(node);
      });
    },
    bullet_list(state, node, parent, index) {
      const marker = markerOf(node, parent, index);
      writeList(state, node, () => marker);
    },
    ordered_list(state, node, parent, index) {
      const marker = markerOf(node, parent, index);
      if (node.attrs.steps) {
        if (state.inTightList) state.flushClose(1);
        state.write(STEPS);
        state.ensureNewLine();
      }
      writeList(state, node, (at) => `${node.attrs.order + at}${marker}`);
    },
    list_item(state, node) { state.renderContent(node); },
    code_block(state, node) {
      const fence = fenceFor(node.textContent);
      state.write(`${fence}${node.attrs.params}\n`);
      state.text(node.textContent, false);
      if (node.textContent) state.out += "\n";
      state.write(fence);
      state.closeBlock(node);
    },
    horizontal_rule(state, node) { state.write("---"); state.closeBlock(node); },
    raw_block(state, node) {
      state.text(node.attrs.source, false);
      state.closeBlock(node);
    },
    table(state, node) {
      node.forEach((row, _offset, index) => {
        writeRow(state, row);
        if (index) return;
        state.write("|");
        row.forEach((cell) => { state.out += { end: " --: |", center: " :-: |" }[cell.attrs.align] ?? " --- |"; });
        state.ensureNewLine();
      });
      state.closeBlock(node);
    },
    table_row() {},
    table_header() {},
    table_cell() {},
    image(state, { attrs }) {
      const alt = attrs.alt.replace(/[\\[\]`*_<&!]/g, "\\$&").replace(/\s+/g, " ");
      const title = attrs.title ? ` "${attrs.title.replace(/["\\]/g, "\\$&")}"` : "";
      const src = /[\s()<>]/.test(attrs.src) ? `<${attrs.src.replace(/[<>\\]/g, "\\$&")}>` : attrs.src;
      state.write(`![${alt}](${src}${title})`);
    },
    hard_break(state, node, parent, index) {
      for (let at = index + 1; at < parent.childCount; at += 1) {
        if (parent.child(at).type !== node.type) { state.write("\\\n"); return; }
      }
    },
    soft_break(state) { state.out = state.out.replace(/ +$/, ""); state.write("\n"); },
    chip(state, node) { state.write(node.attrs.source); },
    text(state, node) { escape(state, node); },
  });

  const ticks = (node, side) => {
    const longest = Math.max(0, ...(node.text?.match(/`+/g) ?? []).map((run) => run.length));
    const run = "`".repeat(longest + 1);
    const room = longest || /^ .* $/.test(node.text ?? "") ? " " : "";
    return side > 0 ? `${run}${room}` : `${room}${run}`;
  };
  const isAutolink = ({ attrs }, parent, index) => {
    const child = parent.child(index);
    const after = index + 1 < parent.childCount ? parent.child(index + 1) : null;
    return child.isText && child.text === attrs.href && child.marks.length === 1 && !attrs.title && /^[a-z]+:/.test(attrs.href)
      && !after?.marks.some((mark) => mark.type.name === "link" && mark.attrs.href === attrs.href);
  };
  const marks = {
    em: { open: "*", close: "*", mixable: true, expelEnclosingWhitespace: true },
    strong: { open: "**", close: "**", mixable: true, expelEnclosingWhitespace: true },
    strike: { open: "~~", close: "~~", mixable: true, expelEnclosingWhitespace: true },
    link: {
      open: (state, mark, parent, index) => {
        state.isAutolink = isAutolink(mark, parent, index);
        return state.isAutolink ? "<" : "[";
      },
      close: (state, { attrs }) => {
        if (state.isAutolink) { state.isAutolink = false; return ">"; }
        const href = attrs.href.replace(/[()<>"\s]/g, (one) => ({ "(": "\\(", ")": "\\)" })[one] ?? encodeURIComponent(one));
        return `](${href}${attrs.title ? ` "${attrs.title.replace(/["\\]/g, "\\$&")}"` : ""})`;
      },
      mixable: true,
    },
    code: {
      open: (_state, _mark, parent, index) => ticks(parent.child(index), 1),
      close: (_state, _mark, parent, index) => ticks(parent.child(index - 1), -1),
      escape: false,
    },
  };

  // From the plainest to the surest: what reads back as it was meant is taken.
  const escapes = [
    (state, node) => state.text(node.text, false),
    (state, node) => state.text(node.text, !state.isAutolink),
    (state, node) => {
      const at = state.out.length;
      state.text(node.text, true);
      state.out = state.out.slice(0, at) + state.out.slice(at).replace(/[<|]|&(?=#?\w+;)|^\s*(?=[=:]|-{2})/g, "\\$&").replace(/^(\s*)(-+|=+)$/gm, "$1\\$2");
    },
    (state, node) => state.text(node.text.replace(/[!-/:-@[-`{-~]/g, "\\$&"), false),
  ];
  const serializers = escapes.map((escape) => new MarkdownSerializer(nodes(escape), marks, { strict: true }));

  // What two nodes must have in common to be the same to a reader; how a list is spaced and marked is not in it.
  const meaning = (node) => {
    if (node.isTextblock) {
      const runs = [];
      node.forEach((child) => {
        const worn = child.marks.map((mark) => `${mark.type.name}${mark.attrs.href ?? ""}`).sort().join(" ");
        if (!child.isText) runs.push(["\u0000", `${child.type.name}${JSON.stringify(child.attrs)}`]);
        else for (const one of child.text) runs.push(/\s/.test(one) && !worn.includes("code") ? [" ", ""] : [one, worn]);
      });
      const isEdge = (run) => !run || run[1] === "soft_break{}" || run[1] === "hard_break{}";
      const kept = runs.filter((run, at) => {
        if (run[0] !== " ") return true;
        let [left, right] = [at - 1, at + 1];
        while (runs[left]?.[0] === " ") left -= 1;
        while (runs[right]?.[0] === " ") right += 1;
        return !isEdge(runs[left]) && !isEdge(runs[right]);
      });
      while (kept.length && isEdge(kept.at(-1))) kept.pop();
      const attrs = node.type.name === "code_block" ? "" : `${node.attrs.level ?? ""}${node.attrs.align ?? ""}`;
      const text = node.type.name === "code_block" ? node.textContent : kept.map((run) => run.join("\u0001")).join("");
      return `${node.type.name}${attrs}<${text}>`;
    }
    const { kind = "", order = "", steps = "", source = "" } = node.attrs;
    const inside = [];
    node.forEach((child) => { if (!isEmpty(child) || node.childCount === 1) inside.push(meaning(child)); });
    return `${node.type.name}${kind}${order}${steps}${source}(${inside.join()})`;
  };
  const isEmpty = (node) => node.type.name === "paragraph" && /^\s*$/.test(node.textContent) && meaning(node) === "paragraph<>";

  const readsAs = (text, wanted, opened) => {
    const found = blocksOf(text, { references: { ...opened.references } });
    return found.length === wanted.length
      && found.every(({ node }, at) => node && meaning(node) === meaning(wanted[at]));
  };

  const withMarker = (node, before) => {
    if (before?.type !== node.type || node.attrs.steps || !("marker" in node.attrs)) return node;
    return node.type.create({ ...node.attrs, marker: markerOf(node, { child: () => before }, 1) }, node.content);
  };

  const hasCode = (node) => {
    let found = node.type.name === "code_block" || node.type.name === "raw_block";
    node.descendants((child) => { found ||= child.type.name === "code_block" || child.type.name === "raw_block"; });
    return found;
  };

  const made = new WeakMap(); // node → its source, as written anew; nodes never change
  const write = (node, opened) => {
    if (made.has(node)) return made.get(node);
    const doc = schema.node("doc", null, [node]);
    let fallback = "";
    for (const [level, serializer] of serializers.entries()) {
      const whole = serializer.serialize(doc).replace(/\n+$/, "");
      // Spaces at a line's end mean nothing but in code.
      const text = hasCode(node) ? whole : whole.replace(/([^\\\s])[ \t]+$/gm, "$1");
      if (readsAs(text, [node], opened)) { made.set(node, text); return text; }
      if (level === 2) fallback = text; // what no way of writing says quite: the safe one
    }
    made.set(node, fallback);
    return fallback;
  };

  // The text of a document that was opened as `opened` and changed since.
  const text = (doc, opened) => {
    const items = [];
    doc.forEach((node) => {
      const original = opened.originals[node.attrs.origin];
      const isSame = !!original && original.node.eq(node);
      if (isSame || !isEmpty(node)) items.push({ node, at: original ? node.attrs.origin : null, source: isSame ? original.source : null });
    });
    const local = (written) => (opened.eol === "\n" ? written : written.replace(/\n/g, opened.eol));
    let out = "";
    items.forEach((item, index) => {
      const last = items[index - 1];
      let own = item.source ?? local(write(item.node, opened));
      let gap = "";
      if (!last) gap = item.at === 0 ? opened.head : "";
      else {
        const isNext = last.at !== null && item.at === last.at + 1;
        gap = isNext ? opened.originals[last.at].gap : local("\n\n");
        if (!(isNext && last.source !== null && item.source !== null)) {
          const both = [last.node, item.node];
          const reads = () => readsAs(last.own + gap + own, both, opened);
          if (!reads()) {
            gap = local("\n\n");
            if (!reads()) own = local(write(withMarker(item.node, last.node), opened));
            if (!reads() && last.source !== null && last.node.type.name !== "raw_block") {
              out = out.slice(0, out.length - last.own.length) + local(write(last.node, opened));
            }
          }
        }
      }
      item.own = own;
      out += gap + own;
    });
    const last = items.at(-1);
    if (!last) return opened.originals.length ? "" : opened.head;
    const end = opened.originals.length - 1;
    if (last.at === end && end >= 0) return out + opened.originals[end].gap;
    return out + (/[\r\n]$/.test(opened.text) ? opened.eol : "");
  };

  editor.markdown = { open, text, write };
})();
