// What a text of the editor is made of: ProseMirror's nodes and marks, one for each thing that kb/rendering.py shows.
// What it does not know is a `raw_block` or a `chip`: its source, as it is, which nobody can touch in this view.
(() => {
  const { Schema } = window.ProseMirror;
  const editor = (window.PreemptEditor ??= {});

  const OWN_PICTURE = /^picture:([0-9a-f]{32})-([1-9]\d{0,3})x([1-9]\d{0,3})$/;
  // The words that the view itself says; the template gives them (data-words), in the desk's language.
  editor.words = { raw: "Only in the Markdown view", picture: "Picture", note: "Note", tip: "Tip", warning: "Warning" };

  // An address that a link may have, as it is written into the text; "" where it may not.
  editor.safeAddress = (typed) => {
    const address = typed.replace(/[\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028\u2029\ufeff]/g, "");
    if (!address || address.startsWith("//") || address.includes("\\")) return "";
    if (/^(#|\/)./.test(address)) return address;
    if (/^article:[^\s:]+$/.test(address)) return address;
    if (/^mailto:[^@\s]+@[^@\s]+$/i.test(address)) return address;
    if (/^tel:\+?[\d().-]{3,}$/i.test(address)) return address;
    if (/^[^@:/\s]+@[^@:/\s]+\.[^@:/\s]+$/.test(address)) return `mailto:${address}`;
    const whole = /^[a-z][a-z0-9+.-]*:/i.test(address) && !/^[^:/]+\.[^:/]+:\d+/.test(address) ? address : `https://${address}`;
    if (!/^https?:\/\//i.test(whole)) return "";
    try {
      const { hostname, username } = new URL(whole);
      return hostname.includes(".") && !username ? whole.replace(/[()<>\s]/g, encodeURIComponent) : "";
    } catch { return ""; }
  };

  editor.pictureAddress = (src) => {
    const own = OWN_PICTURE.exec(src);
    if (own) return { src: `/pictures/${own[1]}.webp`, width: own[2], height: own[3] };
    return src.startsWith("/") && !src.startsWith("//") ? { src } : null; // pages load nothing from elsewhere
  };

  const origin = { origin: { default: null } }; // which block of the opened text this was: editor-markdown.js
  const cell = { colspan: { default: 1 }, rowspan: { default: 1 }, colwidth: { default: null }, align: { default: "" } };
  const cellOut = (tag) => (node) => [tag, node.attrs.align ? { class: node.attrs.align } : {}, 0];
  const cellIn = (dom) => ({ align: ["end", "center"].find((name) => dom.classList.contains(name)) ?? "" });

  const nodes = {
    doc: { content: "block+" },
    paragraph: {
      content: "inline*", group: "block", attrs: origin, parseDOM: [{ tag: "p" }], toDOM: () => ["p", 0],
    },
    heading: {
      content: "inline*", group: "block", defining: true, attrs: { level: { default: 2 }, ...origin },
      parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({ tag: `h${level}`, attrs: { level: Math.max(2, level) } })),
      toDOM: (node) => [`h${Math.max(2, node.attrs.level)}`, 0],
    },
    callout: {
      content: "block+", group: "block", defining: true, attrs: { kind: { default: "note" }, ...origin },
      parseDOM: [{
        tag: "div.callout",
        getAttrs: (dom) => ({ kind: ["tip", "warning"].find((name) => dom.classList.contains(name)) ?? "note" }),
      }],
      toDOM: (node) => ["div", { class: `callout ${node.attrs.kind}`, "data-label": editor.words[node.attrs.kind] }, 0],
    },
    blockquote: {
      content: "block+", group: "block", defining: true, attrs: origin,
      parseDOM: [{ tag: "blockquote" }], toDOM: () => ["blockquote", 0],
    },
    bullet_list: {
      content: "list_item+", group: "block", attrs: { tight: { default: true }, marker: { default: "-" }, ...origin },
      parseDOM: [{ tag: "ul" }], toDOM: () => ["ul", 0],
    },
    ordered_list: {
      content: "list_item+", group: "block",
      attrs: {
        order: { default: 1 }, tight: { default: true }, marker: { default: "." }, steps: { default: false }, ...origin,
      },
      parseDOM: [{
        tag: "ol",
        getAttrs: (dom) => ({ order: Number(dom.getAttribute("start") ?? 1), steps: dom.classList.contains("steps") }),
      }],
      toDOM: ({ attrs }) => [
        "ol", { ...(attrs.order === 1 ? {} : { start: attrs.order }), ...(attrs.steps ? { class: "steps" } : {}) }, 0,
      ],
    },
    list_item: { content: "block+", defining: true, parseDOM: [{ tag: "li" }], toDOM: () => ["li", 0] },
    code_block: {
      content: "text*", group: "block", marks: "", code: true, defining: true,
      attrs: { params: { default: "" }, ...origin },
      parseDOM: [{ tag: "pre", preserveWhitespace: "full" }], toDOM: () => ["pre", ["code", 0]],
    },
    horizontal_rule: { group: "block", attrs: origin, parseDOM: [{ tag: "hr" }], toDOM: () => ["hr"] },
    raw_block: {
      group: "block", atom: true, attrs: { source: { default: "" }, ...origin },
      toDOM: (node) => [
        "div", { class: "raw-block", contenteditable: "false" },
        ["span", { class: "raw-label" }, editor.words.raw], ["pre", node.attrs.source],
      ],
    },
    table: {
      content: "table_row+", group: "block", tableRole: "table", isolating: true, attrs: origin,
      parseDOM: [{ tag: "table" }], toDOM: () => ["table", ["tbody", 0]],
    },
    table_row: {
      content: "(table_header | table_cell)+", tableRole: "row", parseDOM: [{ tag: "tr" }], toDOM: () => ["tr", 0],
    },
    table_header: {
      content: "inline*", tableRole: "header_cell", isolating: true, attrs: cell,
      parseDOM: [{ tag: "th", getAttrs: cellIn }], toDOM: cellOut("th"),
    },
    table_cell: {
      content: "inline*", tableRole: "cell", isolating: true, attrs: cell,
      parseDOM: [{ tag: "td", getAttrs: cellIn }], toDOM: cellOut("td"),
    },
    text: { group: "inline" },
    image: {
      inline: true, group: "inline", draggable: true,
      attrs: { src: {}, alt: { default: "" }, title: { default: null } },
      parseDOM: [{
        tag: "img[data-src]",
        getAttrs: (dom) => ({ src: dom.dataset.src, alt: dom.getAttribute("alt") ?? "", title: dom.getAttribute("title") }),
      }],
      toDOM: ({ attrs }) => {
        const shown = editor.pictureAddress(attrs.src);
        return shown
          ? ["img", { ...shown, alt: attrs.alt, "data-src": attrs.src, ...(attrs.title ? { title: attrs.title } : {}) }]
          : ["span", { class: "chip" }, `${editor.words.picture}: ${attrs.alt || attrs.src}`];
      },
    },
    hard_break: {
      inline: true, group: "inline", selectable: false, linebreakReplacement: true,
      parseDOM: [{ tag: "br" }], toDOM: () => ["br"],
    },
    // The end of a line within a paragraph's source: a space to a reader, and kept where it is.
    soft_break: { inline: true, group: "inline", selectable: false, toDOM: () => ["span", { class: "soft-break" }, " "] },
    chip: {
      inline: true, group: "inline", atom: true, attrs: { source: {} },
      parseDOM: [{ tag: "span.chip[data-source]", getAttrs: (dom) => ({ source: dom.dataset.source }) }],
      toDOM: ({ attrs }) => [
        "span", { class: "chip", "data-source": attrs.source, contenteditable: "false" }, attrs.source,
      ],
    },
  };

  const marks = {
    link: {
      attrs: { href: {}, title: { default: null } }, inclusive: false,
      parseDOM: [{
        tag: "a[href]",
        getAttrs: (dom) => {
          const href = editor.safeAddress(dom.getAttribute("href"));
          return href ? { href, title: dom.getAttribute("title") } : false;
        },
      }],
      // Not followed by a press: a press puts the caret there. The address is said in the link dialog.
      toDOM: ({ attrs }) => ["a", { href: attrs.href, title: attrs.href }, 0],
    },
    em: { parseDOM: [{ tag: "em" }, { tag: "i" }, { style: "font-style=italic" }], toDOM: () => ["em", 0] },
    strong: {
      parseDOM: [
        { tag: "strong" },
        { tag: "b", getAttrs: (dom) => dom.style.fontWeight !== "normal" && null },
        { style: "font-weight", getAttrs: (value) => /^(bold(er)?|[6-9]\d\d)$/.test(value) && null },
      ],
      toDOM: () => ["strong", 0],
    },
    strike: { parseDOM: [{ tag: "s" }, { tag: "del" }], toDOM: () => ["s", 0] },
    code: { code: true, parseDOM: [{ tag: "code" }], toDOM: () => ["code", 0] },
  };

  editor.schema = new Schema({ nodes, marks });
})();
