// The preview beside the text: our own page in a frame without scripts, at the width of a phone, a tablet or a desktop,
// light or dark. What is typed is rendered by the server, as the article will be, and put into the frame.
(() => {
  const WAIT = 400; // ms after the last key
  const part = document.querySelector("[data-preview]");
  const form = document.getElementById("article-form");
  if (!part || !form) return;
  const frame = part.querySelector("iframe");
  const widths = part.querySelector("[data-preview-widths]");
  const dark = part.querySelector("[data-preview-dark]");
  const failed = part.querySelector("[data-preview-error]");
  const glass = frame.parentElement;
  let timer = 0;
  let request = null;
  let width = 390;

  // Smaller where there is less room than the width asks for. By the style's object, which the policy lets be.
  const fit = () => {
    const room = glass.clientWidth;
    const scale = Math.min(1, room / width);
    frame.width = width;
    frame.style.transform = scale < 1 ? `scale(${scale})` : "";
    frame.style.blockSize = `${glass.clientHeight / scale}px`;
    frame.style.marginInline = scale < 1 ? "0" : "";
  };
  const paint = () => {
    const page = frame.contentDocument?.documentElement;
    if (page) page.dataset.theme = dark.getAttribute("aria-pressed") === "true" ? "dark" : "light";
  };
  const update = async () => {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      const answer = await fetch(part.dataset.preview, { method: "POST", body: new FormData(form), signal });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (signal.aborted) return;
      const [to, from] = [frame.contentDocument?.getElementById("shown"), page.getElementById("shown")];
      if (to && from) {
        to.replaceChildren(...from.cloneNode(true).childNodes);
        frame.contentDocument.documentElement.lang = page.documentElement.lang;
        frame.contentDocument.documentElement.dir = page.documentElement.dir;
      }
      failed.textContent = "";
      paint();
    } catch {
      if (!signal.aborted) failed.textContent = failed.dataset.previewError;
    }
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(update, WAIT); };

  widths.hidden = false;
  dark.hidden = false;
  part.querySelector("[data-preview-show]").hidden = true;
  widths.addEventListener("change", (event) => { width = Number(event.target.value); fit(); });
  dark.addEventListener("click", () => {
    dark.setAttribute("aria-pressed", String(dark.getAttribute("aria-pressed") !== "true"));
    paint();
  });
  form.addEventListener("input", later);
  document.addEventListener("preempt:text-replaced", later);
  frame.addEventListener("load", () => { paint(); update(); });
  new ResizeObserver(fit).observe(glass);
  fit();
  if (frame.contentDocument?.readyState === "complete") update();
})();
