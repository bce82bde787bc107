// The flow of journeys (templates/desk/_partials/journeys_flow.html): one stop for Tab, arrow keys from band to band, words for
// what one points at, and files to take along. Each band is a link already.
(() => {
  const { WIDE, EDGE, save, cell, csv, wrapped, onPaper } = TakeAlong;

  const table = (figure) => [...figure.querySelector(".figure-table table").rows].map((row) => [...row.cells].map((each) => each.dataset.value ?? cell(each.textContent.trim())));

  // For papers and slides: light, of one size, with its title, what one reads from it and what was counted.
  const png = (figure, done) => {
    const svg = figure.querySelector("svg.flow"), box = svg.viewBox.baseVal;
    const said = (name) => figure.querySelector(`[data-${name}]`).textContent.trim().replace(/\s+/g, " ");
    const { ink, muted, ground, font, parts } = onPaper(() => {
      const style = getComputedStyle(document.documentElement);
      const [ink, muted, ground, font] = ["text", "muted", "surface", "sans"].map((name) => style.getPropertyValue(`--${name}`).trim());
      const parts = [...svg.querySelectorAll("path, rect, text")].map((part) => {
        const { fill, fillOpacity, fontWeight, fontSize } = getComputedStyle(part);
        return { part, fill, veil: Number(fillOpacity), font: [fontWeight, fontSize] };
      });
      return { ink, muted, ground, font, parts };
    });
    const canvas = document.createElement("canvas");
    const ctx = canvas.getContext("2d");
    ctx.font = `14px ${font}`;
    const reads = wrapped(ctx, said("reads"));
    ctx.font = `12px ${font}`;
    const source = wrapped(ctx, said("source"));
    const scale = (WIDE - 2 * EDGE) / box.width, top = EDGE + 34 + reads.length * 20, below = top + box.height * scale + 12;
    canvas.width = 2 * WIDE;
    canvas.height = Math.ceil(2 * (below + source.length * 17 + EDGE));
    ctx.scale(2, 2);
    ctx.fillStyle = ground;
    ctx.fillRect(0, 0, WIDE, canvas.height);
    ctx.textBaseline = "top";
    const write = (text, face, colour, above) => { Object.assign(ctx, { font: `${face} ${font}`, fillStyle: colour }); ctx.fillText(text, EDGE, above); };
    write(said("title"), "600 18px", ink, EDGE);
    reads.forEach((line, index) => write(line, "14px", ink, EDGE + 26 + index * 20));
    source.forEach((line, index) => write(line, "12px", muted, below + index * 17));
    ctx.translate(EDGE, top);
    ctx.scale(scale, scale);
    for (const { part, fill, veil, font: [weight, size] } of parts) {
      const at = (name) => Number(part.getAttribute(name));
      Object.assign(ctx, { fillStyle: fill, globalAlpha: veil });
      if (part.localName === "path") ctx.fill(new Path2D(part.getAttribute("d")));
      else if (part.localName === "rect") ctx.fillRect(at("x"), at("y"), at("width"), at("height"));
      else {
        const number = part.querySelector("tspan")?.textContent ?? "";
        const name = part.firstChild.nodeValue.trim() + (number && " ");
        const faces = [[name, `${weight} ${size} ${font}`], [number, `650 ${size} ${font}`]];
        const wide = faces.map(([text, face]) => { ctx.font = face; return ctx.measureText(text).width; });
        let left = at("x") - (part.getAttribute("text-anchor") === "end" ? wide[0] + wide[1] : 0);
        Object.assign(ctx, { textBaseline: number ? "middle" : "alphabetic", strokeStyle: ground, lineWidth: 4, lineJoin: "round" });
        faces.forEach(([text, face], index) => {
          ctx.font = face;
          if (number) ctx.strokeText(text, left, at("y"));
          ctx.fillText(text, left, at("y"));
          left += wide[index];
        });
      }
    }
    canvas.toBlob(done, "image/png");
  };

  const begin = (figure) => {
    const bands = [...figure.querySelectorAll(".flow-band")];
    const said = figure.querySelector("[data-said]"), rows = figure.querySelector(".figure-table");
    for (const hidden of figure.querySelectorAll(".figure-do, .flow-help, .flow-said")) hidden.hidden = false;
    rows.hidden = true;
    const stop = (here) => bands.forEach((band) => band.setAttribute("tabindex", band === here ? "0" : "-1"));
    stop(bands[0]);
    const svg = figure.querySelector("svg.flow");
    const tell = (event) => {
      const band = event.target.closest(".flow-band");
      said.textContent = band ? band.querySelector("title").textContent : "";
    };
    svg.addEventListener("pointerover", tell);
    svg.addEventListener("focusin", (event) => { stop(event.target.closest(".flow-band")); tell(event); });
    svg.addEventListener("keydown", (event) => {
      const at = bands.indexOf(event.target.closest(".flow-band"));
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: bands.length - 1 }[event.key];
      if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      bands[Math.min(Math.max(to, 0), bands.length - 1)].focus();
    });
    const does = {
      table(button) { rows.hidden = !rows.hidden; button.setAttribute("aria-expanded", String(!rows.hidden)); },
      csv() { save(`${figure.dataset.flow}.csv`, csv(table(figure))); },
      png() { png(figure, (blob) => save(`${figure.dataset.flow}.png`, blob)); },
    };
    figure.querySelector(".figure-do").addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) does[button.dataset.do](button);
    });
  };

  for (const figure of document.querySelectorAll("[data-flow]")) begin(figure);
})();
