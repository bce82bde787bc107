// Draws every <figure data-chart> from the JSON inside it (analytics/figures.py says what is in there) with Chart.js.
// The figure has a table and its words already; what this adds is the drawing, a cursor for mouse, finger and keyboard,
// and files to take along. Colours are the tokens of the page, those of paper for print and PNG.
(() => {
  const { Chart } = ChartJs;
  const TONES = 6, TAPS = 7; // colours; points that Page up and Page down step over
  const root = document.documentElement;
  const figures = [];

  const read = () => {
    const style = getComputedStyle(root);
    const token = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      ink: token("text"), muted: token("muted"), line: token("line"), ground: token("surface"), mark: token("field-line"), font: token("sans"),
      tones: Array.from({ length: TONES }, (_, index) => token(`chart-${index + 1}`)),
    };
  };
  // The light colours, whatever the page has: read once and in one go, so that nothing of it is ever painted.
  let onPaper;
  const readPaper = () => {
    if (onPaper) return onPaper;
    const theme = root.dataset.theme;
    root.dataset.theme = "light";
    onPaper = read();
    if (theme === undefined) delete root.dataset.theme; else root.dataset.theme = theme;
    return onPaper;
  };
  const veiled = (colour, share) => `${colour}${Math.round(share * 255).toString(16).padStart(2, "0")}`; // tokens are #rrggbb

  const speaker = (data) => {
    const formatter = new Intl.NumberFormat(root.lang, { minimumFractionDigits: data.decimals, maximumFractionDigits: data.decimals });
    const number = (value) => formatter.format(Math.abs(value) < 0.5 * 10 ** -data.decimals ? 0 : value).replace("-", "−");
    const unit = data.unit && ` ${data.unit}`;
    const short = new Intl.NumberFormat(root.lang, { maximumFractionDigits: data.decimals });
    return {
      tick: (value) => short.format(value).replace("-", "−"),
      total: (index) => number(data.totals[index]),
      value(series, index, isAloud) {
        if (series.values[index] === null) return data.texts.none;
        const bounds = series.low && series.low[index] !== null && series.high[index] !== null;
        return `${number(series.values[index])}${isAloud || data.series.length === 1 ? unit : ""}${bounds ? ` (${number(series.low[index])} ${data.texts.to} ${number(series.high[index])})` : ""}`;
      },
      marks: (index) => data.marks.filter((mark) => mark.point === index).map((mark) => `${data.texts[`mark_${mark.kind}`]}: ${mark.label}`),
    };
  };

  // The tone of each series: its own by order; what is compared is grey.
  const tones = (data) => {
    let next = 0;
    return data.series.map((series) => (series.compared ? TONES : (next++ % TONES) + 1));
  };

  const datasets = (data, colours, hidden) => data.series.flatMap((series, index) => {
    const colour = series.compared ? colours.muted : colours.tones[tones(data)[index] - 1];
    const common = { label: series.name, series: index, hidden: hidden.has(index), borderColor: colour, backgroundColor: colour };
    if (data.kind === "intervals") {
      return [{ ...common, type: "bar", data: series.low.map((low, at) => (low === null ? null : [low, series.high[at]])), backgroundColor: veiled(colour, 0.35), barThickness: 8, borderRadius: 4, borderSkipped: false, minBarLength: 2 }];
    }
    if (data.kind === "bars" && !series.compared) {
      return [{ ...common, type: "bar", data: series.values, stack: "all", order: 2, borderColor: colours.ground, borderWidth: { top: 1, right: 0, bottom: 0, left: 0 }, maxBarThickness: 40, categoryPercentage: 0.9, barPercentage: 0.9 }];
    }
    const few = data.points.length <= 31;
    const line = { ...common, type: "line", data: series.values, order: 1, borderWidth: series.compared ? 1.5 : 2, borderDash: series.compared ? [5, 4] : [], tension: 0, pointRadius: few && !series.compared ? 2.5 : 0, pointHoverRadius: 5, stack: `line-${index}` };
    // What is compared crosses bars of any colour: a seam of the ground keeps it seen.
    if (series.compared && data.kind === "bars") return [{ ...line, borderDash: [], borderColor: veiled(colours.ground, 0.75), borderWidth: 4.5, order: 1.5, stack: `seam-${index}` }, line];
    if (!series.low) return [line];
    const bound = { ...common, type: "line", borderWidth: 0, pointRadius: 0, pointHoverRadius: 0, order: 3 };
    return [
      { ...bound, data: series.high, fill: "+1", backgroundColor: veiled(colour, 0.18), stack: `high-${index}` },
      { ...bound, data: series.low, fill: false, stack: `low-${index}` },
      line,
    ];
  });

  // What Chart.js has no word for: levels, marks, the dots of intervals, the cursor.
  const drawing = (data, colours, state) => ({
    id: "drawing",
    beforeDatasetsDraw({ ctx, chartArea: area, scales }) {
      const lies = data.kind === "intervals";
      ctx.save();
      ctx.lineWidth = 1;
      for (const level of data.levels) {
        const at = Math.round((lies ? scales.x : scales.y).getPixelForValue(level.value)) + 0.5;
        ctx.strokeStyle = level.value ? colours.mark : colours.ink;
        ctx.setLineDash(level.value ? [2, 3] : []);
        ctx.beginPath();
        if (lies) { ctx.moveTo(at, area.top); ctx.lineTo(at, area.bottom); } else { ctx.moveTo(area.left, at); ctx.lineTo(area.right, at); }
        ctx.stroke();
        if (!level.label) continue;
        ctx.fillStyle = colours.muted;
        ctx.font = `11px ${colours.font}`;
        ctx.textAlign = lies ? "center" : "right";
        ctx.textBaseline = "bottom";
        if (lies) ctx.fillText(level.label, Math.min(Math.max(at, area.left + ctx.measureText(level.label).width / 2), area.right - ctx.measureText(level.label).width / 2), area.top - 3);
        else ctx.fillText(level.label, area.right, at - 2);
      }
      ctx.restore();
    },
    afterDatasetsDraw(chart) {
      const { ctx, chartArea: area, scales } = chart;
      ctx.save();
      if (data.kind === "intervals") {
        chart.getDatasetMeta(0).data.forEach((bar, index) => {
          const value = data.series[0].values[index];
          if (value === null) return;
          ctx.beginPath();
          ctx.arc(scales.x.getPixelForValue(value), bar.y, 6, 0, 2 * Math.PI);
          ctx.fillStyle = colours.tones[0];
          ctx.strokeStyle = colours.ground;
          ctx.lineWidth = 2;
          ctx.fill();
          ctx.stroke();
        });
      }
      // Marks: one dashed line for each point that has any, with the letters of their kinds on top; no letters where they would touch.
      const here = data.marks.reduce((map, mark) => map.set(mark.point, [...(map.get(mark.point) || []), mark]), new Map());
      let free = -Infinity;
      ctx.font = `600 10px ${colours.font}`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      for (const [point, marks] of [...here].sort((one, other) => one[0] - other[0])) {
        const x = Math.round(scales.x.getPixelForValue(point)) + 0.5;
        ctx.strokeStyle = colours.mark;
        ctx.setLineDash([3, 3]);
        ctx.lineWidth = 1;
        ctx.beginPath();
        ctx.moveTo(x, area.top - 2);
        ctx.lineTo(x, area.bottom);
        ctx.stroke();
        if (x - 8 < free) continue;
        const letters = [...new Set(marks.map((mark) => data.texts[`mark_${mark.kind}`][0]))];
        const text = letters.length === 1 ? letters[0] : String(marks.length);
        ctx.setLineDash([]);
        ctx.beginPath();
        ctx.arc(x, area.top - 10, 8, 0, 2 * Math.PI);
        ctx.fillStyle = marks.some((mark) => mark.kind === "incident") ? colours.ink : colours.muted;
        ctx.fill();
        ctx.fillStyle = colours.ground;
        ctx.fillText(text, x, area.top - 9.5);
        free = x + 9;
      }
      if (state.at !== null && !state.frozen) {
        ctx.setLineDash([]);
        ctx.strokeStyle = colours.ink;
        ctx.lineWidth = 1;
        ctx.beginPath();
        if (data.kind === "intervals") {
          const y = Math.round(scales.y.getPixelForValue(state.at)) + 0.5;
          ctx.moveTo(area.left, y + 12); ctx.lineTo(area.right, y + 12);
        } else {
          const x = Math.round(scales.x.getPixelForValue(state.at)) + 0.5;
          ctx.moveTo(x, area.top); ctx.lineTo(x, area.bottom);
        }
        ctx.stroke();
        if (data.kind !== "intervals") {
          data.series.forEach((series, index) => {
            if (state.hidden.has(index) || series.values[state.at] === null || (data.kind === "bars" && !series.compared)) return;
            ctx.beginPath();
            ctx.arc(scales.x.getPixelForValue(state.at), scales.y.getPixelForValue(series.values[state.at]), 4.5, 0, 2 * Math.PI);
            ctx.fillStyle = series.compared ? colours.muted : colours.tones[tones(data)[index] - 1];
            ctx.strokeStyle = colours.ground;
            ctx.lineWidth = 2;
            ctx.fill();
            ctx.stroke();
          });
        }
      }
      ctx.restore();
    },
  });

  // A long name in lines of about 18 letters.
  const folded = (name) => name.split(" ").reduce((lines, word) => {
    if (lines.length && lines.at(-1).length + word.length < 18) lines.push(`${lines.pop()} ${word}`); else lines.push(word);
    return lines;
  }, []);

  const settings = (data, colours, state, says, more) => {
    const lies = data.kind === "intervals";
    const font = { family: colours.font, size: 12 };
    const values = {
      beginAtZero: data.from_zero || data.kind === "bars" || lies,
      stacked: data.kind === "bars",
      grace: lies || !data.from_zero ? "8%" : 0,
      border: { display: false },
      grid: { color: colours.line, drawTicks: false },
      ticks: { color: colours.muted, font, padding: 6, maxTicksLimit: 6, precision: data.decimals ? undefined : 0, callback: says.tick },
      title: { display: !lies && !!data.unit, text: data.unit, color: colours.muted, font: { ...font, size: 11 }, padding: 0 },
    };
    const places = {
      stacked: data.kind === "bars",
      offset: data.kind !== "line",
      border: { color: colours.mark, display: !lies },
      grid: { display: false },
      ticks: { color: lies ? colours.ink : colours.muted, font, maxRotation: 0, autoSkip: !lies, autoSkipPadding: 14, callback: (_, index) => (lies ? folded(data.points[index].short) : data.points[index].short) },
    };
    return {
      type: lies ? "bar" : data.kind === "bars" ? "bar" : "line",
      data: { labels: data.points.map((point) => point.label), datasets: datasets(data, colours, state.hidden) },
      options: {
        indexAxis: lies ? "y" : "x",
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        events: [],
        layout: { padding: { top: data.marks.length ? 20 : lies && data.levels.length ? 16 : 6, right: 6 } },
        scales: lies ? { x: { ...values, title: { display: !!data.unit, text: data.unit, color: colours.muted, font: { ...font, size: 11 } } }, y: places } : { x: places, y: values },
        ...more,
      },
      plugins: [drawing(data, colours, state)],
    };
  };

  const save = (name, blob) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // A spreadsheet takes a cell that begins so for a formula.
  const cell = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const csv = (data) => {
    const head = [...(data.totals ? [data.texts.all] : []), ...data.series.flatMap((series) => [series.name, ...(series.low ? [`${series.name}, ${data.texts.low}`, `${series.name}, ${data.texts.high}`] : [])])];
    const figure = (value) => (value === null ? "" : String(value));
    const rows = data.points.map((point, at) => [cell(point.label), ...(data.totals ? [figure(data.totals[at])] : []), ...data.series.flatMap((series) => [series.values[at], ...(series.low ? [series.low[at], series.high[at]] : [])].map(figure)), ...(data.marks.length ? [cell(data.marks.filter((mark) => mark.point === at).map((mark) => mark.label).join("; "))] : [])].join(","));
    const named = [data.x_title, ...head.map((name) => (data.unit ? `${name} (${data.unit})` : name)), ...(data.marks.length ? [data.texts.marks] : [])].map(cell).join(",");
    return new Blob([`\ufeff${[named, ...rows].join("\r\n")}\r\n`], { type: "text/csv" });
  };

  // The picture is for papers and slides: light, of one size, with its title, its key and what was counted.
  const WIDE = 1000, HIGH = 420, EDGE = 24;
  const wrapped = (ctx, text) => {
    const lines = [""];
    for (const word of text.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (ctx.measureText(longer).width > WIDE - 2 * EDGE) lines.push(word); else lines[lines.length - 1] = longer;
    }
    return lines;
  };
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
    const top = EDGE + 26 + reads.length * 20 + 28;
    canvas.width = 2 * WIDE;
    canvas.height = 2 * (top + HIGH + 12 + source.length * 17 + EDGE);
    ctx.scale(2, 2);
    ctx.fillStyle = colours.ground;
    ctx.fillRect(0, 0, WIDE, canvas.height);
    ctx.textBaseline = "top";
    const write = (text, font, colour, x, y) => { Object.assign(ctx, { font, fillStyle: colour }); ctx.fillText(text, x, y); };
    write(data.title, fonts.title, colours.ink, EDGE, EDGE);
    reads.forEach((line, index) => write(line, fonts.text, colours.ink, EDGE, EDGE + 26 + index * 20));
    let x = EDGE;
    data.series.forEach((series, index) => {
      if (state.hidden.has(index)) return;
      ctx.fillStyle = series.compared ? colours.muted : colours.tones[tones(data)[index] - 1];
      ctx.fillRect(x, top - (series.compared ? 17 : 21), 12, series.compared ? 2 : 10);
      write(series.name, fonts.small, colours.muted, x + 17, top - 22);
      x += 17 + ctx.measureText(series.name).width + 18;
    });
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
      );
      tip.hidden = false;
      const along = lies ? 0 : chart.scales.x.getPixelForValue(at);
      const isLeft = along > plot.clientWidth / 2;
      tip.style.left = `${Math.max(0, Math.min(plot.clientWidth - tip.offsetWidth, isLeft ? along - tip.offsetWidth - 12 : along + 12))}px`;
      const isNarrow = plot.clientWidth < 480; // beside the cursor it would hide what it speaks of
      tip.style.top = lies ? `${chart.scales.y.getPixelForValue(at) + 16}px` : isNarrow ? `${plot.clientHeight}px` : `${chart.chartArea.top}px`;
      if (isAloud) said.textContent = [data.points[at].label, ...(data.totals ? [`${data.texts.all}: ${says.total(at)}`] : []), ...shown.map(({ series }) => `${series.name}: ${says.value(series, at, true)}`), ...marks, data.points[at].url && data.texts.opens].filter(Boolean).join(". ");
    };

    const last = data.points.length - 1;
    const within = (at) => Math.min(Math.max(at, 0), last);
    plot.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const from = state.at ?? -1;
      const next = () => data.marks.find((mark) => mark.point > from)?.point ?? data.marks[0]?.point ?? from;
      const steps = {
        ArrowRight: () => from + 1, ArrowDown: () => from + 1, ArrowLeft: () => from - 1, ArrowUp: () => from - 1,
        PageDown: () => from + TAPS, PageUp: () => from - TAPS, Home: () => 0, End: () => last, m: next,
      };
      if (event.key === "Escape") { show(null); return; }
      if (event.key === "Enter" && data.points[state.at]?.url) { location.assign(data.points[state.at].url); return; }
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      show(within(step()), true);
    });
    plot.addEventListener("blur", () => show(null));
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      const scale = lies ? chart.scales.y : chart.scales.x;
      show(within(Math.round(scale.getValueForPixel(lies ? event.clientY - box.top : event.clientX - box.left))), false);
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
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
  const paper = matchMedia("print");
  paper.addEventListener("change", () => { for (const list of document.querySelectorAll(".figure-marks")) list.open = paper.matches; });
})();
