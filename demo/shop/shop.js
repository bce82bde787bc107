// The shop's own script: a button of its own opens the widget with what the page is about.
for (const button of document.querySelectorAll("[data-ask]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.Preempt?.("open", { topic: button.dataset.ask, order: button.dataset.order }));
}
addEventListener("preempt:contact-sent", () => {
  const line = document.querySelector("[data-thanks]");
  if (line) line.hidden = false;
});
