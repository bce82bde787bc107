// Words that a reviewer marks in the text go into the field "Words of the text". Without this script they are copied.
(() => {
  const text = document.getElementById("reviewed-text");
  const field = document.getElementById("id_quote");
  if (!text || !field) return;
  document.addEventListener("selectionchange", () => {
    const selection = document.getSelection();
    if (!selection || selection.isCollapsed || !text.contains(selection.anchorNode) || !text.contains(selection.focusNode)) return;
    const words = selection.toString().replace(/\s+/g, " ").trim();
    if (words) field.value = words.slice(0, 300);
  });
})();
