// What is in a frame has the focus and not the frame, so that no style of this page knows of it: a class says it.
addEventListener("blur", () => document.activeElement.closest("iframe")?.classList.add("is-focused"));
addEventListener("focus", () => document.querySelector("iframe.is-focused")?.classList.remove("is-focused"));
