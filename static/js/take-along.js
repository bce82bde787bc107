// What charts (chart.js) and the flow of journeys (flow.js) are taken along with: a file, a table for spreadsheets, a sheet of paper
// with words around a picture.
const TakeAlong = (() => {
  const WIDE = 1000, EDGE = 24; // of the sheet

  const save = (name, blob) => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  // A spreadsheet takes a cell that begins so for a formula.
  const cell = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const csv = (rows) => new Blob([`\ufeff${rows.map((cells) => cells.join(",")).join("\r\n")}\r\n`], { type: "text/csv" });

  const wrapped = (ctx, text) => {
    const lines = [""];
    for (const word of text.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (ctx.measureText(longer).width > WIDE - 2 * EDGE) lines.push(word); else lines[lines.length - 1] = longer;
    }
    return lines;
  };

  // What `look` sees while the page has its light colours: read in one go, so that nothing of it is ever painted.
  const onPaper = (look) => {
    const root = document.documentElement;
    const theme = root.dataset.theme;
    root.dataset.theme = "light";
    const seen = look();
    if (theme === undefined) delete root.dataset.theme; else root.dataset.theme = theme;
    return seen;
  };

  return { WIDE, EDGE, save, cell, csv, wrapped, onPaper };
})();
