// What the toolbar's buttons and the keys do to the document, and whether they can, by name: PreemptEditor.commands.
(() => {
  const PM = window.ProseMirror;
  const editor = window.PreemptEditor;
  const { schema } = editor;
  const { nodes, marks } = schema;

  const ancestor = ({ $from }, test) => {
    for (let depth = $from.depth; depth > 0; depth -= 1) {
      const node = $from.node(depth);
      if (test(node)) return { node, pos: $from.before(depth), depth };
    }
    return null;
  };
  const within = (state, type, attrs = {}) => ancestor(state.selection, (node) =>
    node.type === type && Object.entries(attrs).every(([name, value]) => node.attrs[name] === value));

  const hasMark = (state, type) => {
    const { from, to, $from, empty } = state.selection;
    return empty ? !!type.isInSet(state.storedMarks ?? $from.marks()) : state.doc.rangeHasMark(from, to, type);
  };

  const unwrap = ({ node, pos }) => (state, dispatch) => {
    dispatch?.(state.tr.replaceWith(pos, pos + node.nodeSize, node.content).scrollIntoView());
    return true;
  };

  const toggleBlock = (type, attrs = {}) => (state, dispatch) =>
    (ancestor(state.selection, (node) => node.type === type && Object.entries(attrs).every(([k, v]) => node.attrs[k] === v))
      ? PM.setBlockType(nodes.paragraph) : PM.setBlockType(type, attrs))(state, dispatch);

  const toggleList = (type, attrs = {}) => (state, dispatch) => {
    const list = ancestor(state.selection, ({ type: it }) => it === nodes.bullet_list || it === nodes.ordered_list);
    if (!list) return PM.wrapInList(type, attrs)(state, dispatch);
    if (list.node.type === type && !!list.node.attrs.steps === !!attrs.steps) {
      return PM.liftListItem(nodes.list_item)(state, dispatch);
    }
    const { tight } = list.node.attrs;
    dispatch?.(state.tr.setNodeMarkup(list.pos, type, { tight, ...attrs }));
    return true;
  };

  const quote = (state, dispatch) => {
    const found = within(state, nodes.blockquote);
    return found ? unwrap(found)(state, dispatch) : PM.wrapIn(nodes.blockquote)(state, dispatch);
  };

  const callout = (kind) => (state, dispatch) => {
    const found = within(state, nodes.callout);
    if (kind === "none") return !!found && unwrap(found)(state, dispatch);
    if (!found) return PM.wrapIn(nodes.callout, { kind })(state, dispatch);
    dispatch?.(state.tr.setNodeMarkup(found.pos, null, { ...found.node.attrs, kind }));
    return true;
  };

  // After the block that the caret is in, or in its place where it is empty.
  const insertBlock = (state, dispatch, node, caret) => {
    const { $from } = state.selection;
    if (!dispatch) return true;
    const isEmpty = $from.depth === 1 && $from.parent.type === nodes.paragraph && !$from.parent.content.size;
    const at = isEmpty ? $from.before(1) : $from.depth ? $from.after(1) : state.selection.to;
    const tr = state.tr.replaceWith(at, isEmpty ? $from.after(1) : at, node);
    tr.setSelection(PM.TextSelection.near(tr.doc.resolve(at + caret)));
    dispatch(tr.scrollIntoView());
    return true;
  };

  const insertTable = (state, dispatch) => {
    const row = (type) => nodes.table_row.create(null, [0, 1, 2].map(() => type.create()));
    const rows = [row(nodes.table_header), row(nodes.table_cell), row(nodes.table_cell)];
    return insertBlock(state, dispatch, nodes.table.create(null, rows), 3);
  };

  const inBody = (state) => {
    const row = within(state, nodes.table_row);
    return row && row.node.firstChild.type === nodes.table_cell;
  };
  const align = (name) => (state, dispatch) => {
    const table = within(state, nodes.table);
    const cell = ancestor(state.selection, ({ type }) => type === nodes.table_cell || type === nodes.table_header);
    if (!table || !cell) return false;
    const column = state.selection.$from.index(cell.depth - 1);
    const tr = state.tr;
    table.node.forEach((row, offset) => {
      let at = table.pos + 1 + offset + 1;
      row.forEach((one, _offset, index) => {
        if (index === column) tr.setNodeMarkup(at, null, { ...one.attrs, align: name });
        at += one.nodeSize;
      });
    });
    dispatch?.(tr);
    return true;
  };

  const hardBreak = (state, dispatch) => {
    if (within(state, nodes.table)) return true; // a cell of Markdown has one line
    dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView());
    return true;
  };

  editor.commands = {
    bold: PM.toggleMark(marks.strong),
    italic: PM.toggleMark(marks.em),
    code: PM.toggleMark(marks.code),
    h2: toggleBlock(nodes.heading, { level: 2 }),
    h3: toggleBlock(nodes.heading, { level: 3 }),
    paragraph: PM.setBlockType(nodes.paragraph),
    bullets: toggleList(nodes.bullet_list),
    numbers: toggleList(nodes.ordered_list, { steps: false }),
    steps: toggleList(nodes.ordered_list, { steps: true }),
    quote,
    codeblock: toggleBlock(nodes.code_block),
    "callout:note": callout("note"),
    "callout:tip": callout("tip"),
    "callout:warning": callout("warning"),
    "callout:none": callout("none"),
    "table:insert": insertTable,
    "table:row": PM.addRowAfter,
    "table:column": PM.addColumnAfter,
    "table:end": align("end"),
    "table:start": align(""),
    "table:no-row": (state, dispatch) => !!inBody(state) && PM.deleteRow(state, dispatch), // the head stays
    "table:no-column": PM.deleteColumn,
    "table:none": PM.deleteTable,
    undo: PM.undo,
    redo: PM.redo,
  };

  const list = (type, steps) => (state) => {
    const found = ancestor(state.selection, (node) => node.type === nodes.bullet_list || node.type === nodes.ordered_list);
    return !!found && found.node.type === type && !!found.node.attrs.steps === steps;
  };
  // What a button says of where the caret is.
  editor.isOn = {
    bold: (state) => hasMark(state, marks.strong),
    italic: (state) => hasMark(state, marks.em),
    code: (state) => hasMark(state, marks.code),
    link: (state) => hasMark(state, marks.link),
    h2: (state) => !!within(state, nodes.heading, { level: 2 }),
    h3: (state) => !!within(state, nodes.heading, { level: 3 }),
    bullets: list(nodes.bullet_list, false),
    numbers: list(nodes.ordered_list, false),
    steps: list(nodes.ordered_list, true),
    quote: (state) => !!within(state, nodes.blockquote),
    codeblock: (state) => !!within(state, nodes.code_block),
  };
  editor.isWithin = {
    callout: (state) => !!within(state, nodes.callout),
    table: (state) => !!within(state, nodes.table),
  };

  // The link under the caret, whole: { from, to, href, words }; else what is selected.
  editor.linkAt = (state) => {
    const { from, to, $from, empty } = state.selection;
    const mark = marks.link.isInSet($from.marks()) ?? (empty ? null : marks.link.isInSet($from.nodeAfter?.marks ?? []));
    if (!mark) return { from, to, href: "", words: state.doc.textBetween(from, to, " ") };
    const parent = $from.parent;
    const spans = [];
    parent.forEach((child, offset) => {
      if (!mark.isInSet(child.marks)) return;
      const start = $from.start() + offset;
      const last = spans.at(-1);
      if (last?.to === start) last.to += child.nodeSize;
      else spans.push({ from: start, to: start + child.nodeSize });
    });
    const span = spans.find((each) => each.from <= from && from <= each.to) ?? { from, to };
    return { ...span, href: mark.attrs.href, words: state.doc.textBetween(span.from, span.to, " ") };
  };

  const blockRules = () => [
    PM.textblockTypeInputRule(/^(#{2,4})\s$/, nodes.heading, (found) => ({ level: found[1].length })),
    PM.wrappingInputRule(/^\s*([-*])\s$/, nodes.bullet_list, (found) => ({ marker: found[1] })),
    PM.wrappingInputRule(/^(\d{1,9})\.\s$/, nodes.ordered_list, (found) => ({ order: Number(found[1]) }),
      (found, node) => node.childCount + node.attrs.order === Number(found[1])),
    PM.wrappingInputRule(/^\s*>\s$/, nodes.blockquote),
    PM.textblockTypeInputRule(/^```$/, nodes.code_block),
  ];

  // What is typed or pasted as {{fact:…}} is the chip that it will be when the text is opened next.
  const placeholders = new PM.Plugin({
    appendTransaction(transactions, _before, state) {
      if (!transactions.some((tr) => tr.docChanged)) return null;
      const tr = state.tr;
      const found = [];
      state.doc.descendants((node, pos, parent) => {
        if (!node.isText || parent.type.spec.code || node.marks.some((mark) => mark.type === marks.code)) return;
        for (const one of node.text.matchAll(new RegExp(editor.PLACEHOLDER, "gi"))) {
          found.push([pos + one.index, one[0], node.marks]);
        }
      });
      for (const [from, source, worn] of found.reverse()) {
        tr.replaceWith(from, from + source.length, nodes.chip.create({ source }, null, worn));
      }
      return found.length ? tr : null;
    },
  });

  // Behind a table or a call-out at the end there is room to write on. An empty paragraph leaves no trace in the text.
  const trailing = new PM.Plugin({
    appendTransaction(transactions, _before, state) {
      if (!transactions.some((tr) => tr.docChanged) || state.doc.lastChild.type === nodes.paragraph) return null;
      return state.tr.insert(state.doc.content.size, nodes.paragraph.create()).setMeta("addToHistory", false);
    },
  });
  editor.withRoomBehind = (doc) =>
    (doc.lastChild.type === nodes.paragraph ? doc : doc.copy(doc.content.append(PM.Fragment.from(nodes.paragraph.create()))));

  // Out of whatever block the caret is in (a table, a call-out, a list), to a paragraph of its own behind it.
  const behind = (state, dispatch) => {
    const { $from } = state.selection;
    if ($from.depth < 2) return false;
    const at = $from.after(1);
    if (dispatch) {
      const tr = state.tr.insert(at, nodes.paragraph.create());
      dispatch(tr.setSelection(PM.TextSelection.create(tr.doc, at + 1)).scrollIntoView());
    }
    return true;
  };

  editor.plugins = (extra) => {
    const run = editor.commands;
    const item = nodes.list_item;
    return [
      PM.keymap(extra),
      PM.inputRules({ rules: blockRules() }),
      PM.keymap({
        "Mod-b": run.bold, "Mod-i": run.italic, "Mod-e": run.code,
        "Mod-Alt-0": run.paragraph, "Mod-Alt-2": run.h2, "Mod-Alt-3": run.h3,
        "Shift-Mod-6": run.steps, "Shift-Mod-7": run.numbers, "Shift-Mod-8": run.bullets, "Shift-Mod-9": run.quote,
        "Mod-z": run.undo, "Shift-Mod-z": run.redo, "Mod-y": run.redo,
        Backspace: PM.undoInputRule,
        Enter: PM.splitListItem(item),
        "Mod-[": PM.liftListItem(item), "Mod-]": PM.sinkListItem(item),
        "Shift-Enter": PM.chainCommands(PM.exitCode, hardBreak),
        "Mod-Enter": PM.chainCommands(PM.exitCode, behind),
        // From cell to cell; behind the last one, and everywhere else, Tab leaves the text, as it must.
        Tab: PM.goToNextCell(1), "Shift-Tab": PM.goToNextCell(-1),
      }),
      PM.keymap(PM.baseKeymap),
      PM.history(),
      PM.tableEditing(),
      PM.gapCursor(),
      PM.dropCursor({ color: false, class: "drop-cursor", width: 2 }),
      placeholders,
      trailing,
    ];
  };
})();
