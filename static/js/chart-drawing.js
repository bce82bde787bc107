// How a chart looks: what Chart.js is told of the numbers of analytics/figures.py, and what it has no word for. chart.js does
// the rest. Colours are the tokens of the page, or those of paper.
const ChartDrawing = (() => {
  const TONES = 6; // colours
  const root = document.documentElement;

  const read = () => {
    const style = getComputedStyle(root);
    const token = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      ink: token("text"), muted: token("muted"), line: token("line"), ground: token("surface"), mark: token("field-line"), font: token("sans"),
      tones: Array.from({ length: TONES }, (_, index) => token(`chart-${index + 1}`)),
    };
  };
  let onPaper;
  const readPaper = () => (onPaper ??= TakeAlong.onPaper(read));
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

  return { read, readPaper, settings, speaker, tones };
})();
