// Draws every <figure data-chart> from the JSON inside it (analytics/figures.py says what is in there) with Chart.js, looking as
// chart-drawing.js says. The figure has a table and its words already; what this adds is the drawing, a cursor for mouse,
// finger and keyboard, and files to take along.
(() => {
  const { Chart } = ChartJs;
  const { read, readPaper, settings, speaker, tones } = ChartDrawing;
  const { WIDE, EDGE, save, cell, csv: sheet, wrapped } = TakeAlong;
  const STEPS = 7; // points that Page up and Page down go over
  const root = document.documentElement;
  const figures = [];

  const csv = (data) => {
    const named = (name) => (data.unit ? `${name} (${data.unit})` : name);
    const figures = (name, values) => [cell(named(name)), ...values.map((value) => value ?? "")];
    const columns = [
      [data.x_title, ...data.points.map((point) => point.label)].map(cell),
      ...(data.totals ? [figures(data.texts.all, data.totals)] : []),
      ...data.series.flatMap((series) => [
        figures(series.name, series.values),
        ...(series.low ? [figures(`${series.name}, ${data.texts.low}`, series.low), figures(`${series.name}, ${data.texts.high}`, series.high)] : []),
      ]),
      ...(data.marks.length ? [[data.texts.marks, ...data.points.map((_, at) => data.marks.filter((mark) => mark.point === at).map((mark) => mark.label).join("; "))].map(cell)] : []),
    ];
    return sheet(columns[0].map((_, row) => columns.map((column) => column[row])));
  };

  // The picture is for papers and slides: light, of one size, with its title, its key and what was counted.
  const HIGH = 420;
  const png = (data, state, says, done) => {
    const colours = readPaper();
    const plot = document.createElement("canvas");
    Object.assign(plot, { width: WIDE - 2 * EDGE, height: HIGH });
    const drawn = new Chart(plot, settings(data, colours, { ...state, frozen: true }, says, { responsive: false, devicePixelRatio: 2 }));
    const canvas = document.createElement("canvas");
    const ctx = canvas.getContext("2d");
    const fonts = { title: `600 18px ${colours.font}`, text: `14px ${colours.font}`, small: `12px ${colours.font}` };
    ctx.font = fonts.text;
    const reads = wrapped(ctx, data.reads);
    ctx.font = fonts.small;
    const source = wrapped(ctx, data.source);
    // The key, in as many lines as it takes.
    const key = [];
    let x = EDGE, lines = 1;
    data.series.forEach((series, index) => {
      if (state.hidden.has(index)) return;
      const wide = 17 + ctx.measureText(series.name).width + 18;
      if (x + wide > WIDE - EDGE && x > EDGE) { x = EDGE; lines += 1; }
      key.push({ series, colour: series.compared ? colours.muted : colours.tones[tones(data)[index] - 1], x, line: lines - 1 });
      x += wide;
    });
    const keyTop = EDGE + 30 + reads.length * 20;
    const top = keyTop + lines * 20 + 6;
    canvas.width = 2 * WIDE;
    canvas.height = 2 * (top + HIGH + 12 + source.length * 17 + EDGE);
    ctx.scale(2, 2);
    ctx.fillStyle = colours.ground;
    ctx.fillRect(0, 0, WIDE, canvas.height);
    ctx.textBaseline = "top";
    const write = (text, font, colour, left, above) => { Object.assign(ctx, { font, fillStyle: colour }); ctx.fillText(text, left, above); };
    write(data.title, fonts.title, colours.ink, EDGE, EDGE);
    reads.forEach((line, index) => write(line, fonts.text, colours.ink, EDGE, EDGE + 26 + index * 20));
    for (const { series, colour, x: left, line } of key) {
      ctx.fillStyle = colour;
      ctx.fillRect(left, keyTop + line * 20 + (series.compared ? 5 : 1), 12, series.compared ? 2 : 10);
      write(series.name, fonts.small, colours.muted, left + 17, keyTop + line * 20);
    }
    ctx.drawImage(plot, EDGE, top, WIDE - 2 * EDGE, HIGH);
    source.forEach((line, index) => write(line, fonts.small, colours.muted, EDGE, top + HIGH + 12 + index * 17));
    drawn.destroy();
    canvas.toBlob(done, "image/png");
  };

  const begin = (figure) => {
    if (!figure.querySelector(".figure-drawn").hidden) return; // it is drawn already
    const data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const says = speaker(data);
    const [holder, plot, canvas, tip, key, said, table] = [".figure-drawn", ".figure-plot", "canvas", ".figure-tip", ".figure-key", "[data-said]", ".figure-table"].map((selector) => figure.querySelector(selector));
    const state = { at: null, hidden: new Set() };
    const toned = tones(data);
    const lies = data.kind === "intervals";
    let chart, colours;

    const draw = () => {
      colours = read();
      chart?.destroy();
      chart = new Chart(canvas, settings(data, colours, state, says));
    };
    figures.push({ figure, draw, stale: () => JSON.stringify(read()) !== JSON.stringify(colours) });

    holder.hidden = false;
    figure.querySelector(".figure-do").hidden = false;
    table.hidden = true;
    if (lies) plot.style.blockSize = `${56 + 48 * data.points.length}px`;
    draw();

    const line = (tag, classes, text) => Object.assign(document.createElement(tag), { className: classes, textContent: text });
    const pair = (classes, name, value) => {
      const row = line("span", classes, "");
      row.append(line("span", "", name), line("b", "", value));
      return row;
    };
    let touched = false; // by a finger, which cannot point without pressing: its tip has the link
    const url = (at) => data.points[at]?.url;
    const show = (at, isAloud) => {
      state.at = at;
      chart.draw();
      if (at === null) { tip.hidden = true; return; }
      const marks = says.marks(at);
      const shown = data.series.map((series, index) => ({ series, index })).filter(({ index }) => !state.hidden.has(index));
      tip.replaceChildren(
        line("strong", "", data.points[at].label + (data.unit && data.series.length > 1 ? ` · ${data.unit}` : "")),
        ...(data.totals ? [pair("", data.texts.all, says.total(at))] : []),
        ...shown.map(({ series, index }) => pair(`key-${series.compared ? "compared" : toned[index]}`, series.name, says.value(series, at))),
        ...marks.slice(0, 4).map((text) => line("em", "", text)),
        ...(marks.length > 4 ? [line("em", "", data.texts.more.replace("%(number)s", marks.length - 4))] : []),
        ...(url(at) && touched ? [Object.assign(line("a", "", data.texts.link), { href: url(at), tabIndex: -1 })] : []),
      );
      tip.classList.toggle("is-touched", touched);
      plot.classList.toggle("is-link", !!url(at));
      tip.hidden = false;
      const along = lies ? 0 : chart.scales.x.getPixelForValue(at);
      const isLeft = along > plot.clientWidth / 2;
      tip.style.left = `${Math.max(0, Math.min(plot.clientWidth - tip.offsetWidth, isLeft ? along - tip.offsetWidth - 12 : along + 12))}px`;
      const isNarrow = plot.clientWidth < 480; // beside the cursor it would hide what it speaks of
      tip.style.top = lies ? `${chart.scales.y.getPixelForValue(at) + 16}px` : isNarrow ? `${plot.clientHeight}px` : `${chart.chartArea.top}px`;
      if (isAloud) said.textContent = [data.points[at].label, ...(data.totals ? [`${data.texts.all}: ${says.total(at)}`] : []), ...shown.map(({ series }) => `${series.name}: ${says.value(series, at, true)}`), ...marks, url(at) && data.texts.opens].filter(Boolean).join(". ");
    };

    const last = data.points.length - 1;
    const within = (at) => Math.min(Math.max(at, 0), last);
    plot.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const from = state.at ?? -1;
      const next = () => data.marks.find((mark) => mark.point > from)?.point ?? data.marks[0]?.point ?? from;
      const steps = {
        ArrowRight: () => from + 1, ArrowDown: () => from + 1, ArrowLeft: () => from - 1, ArrowUp: () => from - 1,
        PageDown: () => from + STEPS, PageUp: () => from - STEPS, Home: () => 0, End: () => last, m: next,
      };
      if (event.key === "Escape") { show(null); return; }
      if (event.key === "Enter" && url(state.at)) { location.assign(url(state.at)); return; }
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      show(within(step()), true);
    });
    plot.addEventListener("blur", (event) => { if (!plot.contains(event.relatedTarget)) show(null); });
    const point = (event) => {
      if (tip.contains(event.target)) return;
      touched = event.pointerType === "touch";
      const box = canvas.getBoundingClientRect();
      const scale = lies ? chart.scales.y : chart.scales.x;
      show(within(Math.round(scale.getValueForPixel(lies ? event.clientY - box.top : event.clientX - box.left))), false);
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("click", (event) => {
      if (touched || state.at === null || tip.contains(event.target) || !url(state.at)) return;
      if (event.ctrlKey || event.metaKey) window.open(url(state.at), "_blank", "noopener"); else location.assign(url(state.at));
    });
    plot.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && document.activeElement !== plot) show(null); });

    if (data.series.length > 1) {
      data.series.forEach((series, index) => {
        const item = document.createElement("li");
        const button = Object.assign(line("button", `key-${series.compared ? "compared" : toned[index]}`, series.name), { type: "button" });
        button.setAttribute("aria-pressed", "true");
        button.addEventListener("click", () => {
          if (!state.hidden.delete(index)) state.hidden.add(index);
          button.setAttribute("aria-pressed", String(!state.hidden.has(index)));
          draw();
          if (state.at !== null) show(state.at);
        });
        item.append(button);
        key.append(item);
      });
    } else {
      key.remove();
    }

    const does = {
      table(button) {
        table.hidden = !table.hidden;
        button.setAttribute("aria-expanded", String(!table.hidden));
      },
      csv() { save(`${figure.dataset.chart}.csv`, csv(data)); },
      png() { png(data, state, says, (blob) => save(`${figure.dataset.chart}.png`, blob)); },
    };
    figure.querySelector(".figure-do").addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) does[button.dataset.do](button);
    });
  };

  const again = () => { for (const { figure, stale, draw } of figures) if (figure.isConnected && stale()) draw(); };
  const beginAll = (part) => { for (const figure of part.querySelectorAll("figure[data-chart]")) begin(figure); };
  beginAll(document);
  document.addEventListener("htmx:afterSwap", (event) => beginAll(event.detail.target));
  new MutationObserver(again).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  // Paper is light, whatever the reader chose, and shows what happened.
  const paper = matchMedia("print");
  let chosen;
  paper.addEventListener("change", () => {
    if (paper.matches) {
      chosen = root.dataset.theme;
      root.dataset.theme = "light";
    } else if (chosen === undefined) delete root.dataset.theme;
    else root.dataset.theme = chosen;
    for (const list of document.querySelectorAll(".figure-marks")) list.open = paper.matches;
  });
})();
