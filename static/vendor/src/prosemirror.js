// What static/js/editor*.js use, as one script: window.ProseMirror. How to build it: static/vendor/README.md.
export { EditorState, Plugin, PluginKey, TextSelection, NodeSelection, Selection } from "prosemirror-state";
export { EditorView } from "prosemirror-view";
export { Schema, Node, Slice, Fragment } from "prosemirror-model";
export { baseKeymap, chainCommands, exitCode, lift, setBlockType, toggleMark, wrapIn } from "prosemirror-commands";
export { keymap } from "prosemirror-keymap";
export { closeHistory, history, redo, redoDepth, undo, undoDepth } from "prosemirror-history";
export { InputRule, inputRules, textblockTypeInputRule, undoInputRule, wrappingInputRule } from "prosemirror-inputrules";
export { liftListItem, sinkListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
export {
  addColumnAfter, addRowAfter, deleteColumn, deleteRow, deleteTable, goToNextCell, isInTable, tableEditing,
} from "prosemirror-tables";
export { gapCursor } from "prosemirror-gapcursor";
export { dropCursor } from "prosemirror-dropcursor";
export { MarkdownParser, MarkdownSerializer } from "prosemirror-markdown";
export { default as MarkdownIt } from "markdown-it";
