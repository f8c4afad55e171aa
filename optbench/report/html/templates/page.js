"use strict";

// The theme: as the system has it, until somebody chooses.
(function theme() {
  const themes = ["auto", "light", "dark"];
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const stored = () => {
    try {
      return localStorage.getItem("optbench-theme");
    } catch {
      return null; // some browsers keep no storage for files
    }
  };
  const show = (name) => {
    if (name === "auto") root.removeAttribute("data-theme");
    else root.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
    button.value = name;
  };
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(button.value) + 1) % themes.length];
    show(next);
    try {
      localStorage.setItem("optbench-theme", next);
    } catch {
      // the choice holds for this visit
    }
  });
  show(themes.includes(stored()) ? stored() : "auto");
  button.hidden = false;
})();

// Commands go to the clipboard as they stand.
(function copying() {
  const copied = async (element) => {
    try {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    } catch {
      getSelection().selectAllChildren(element);
      return document.execCommand("copy"); // for pages opened as files
    }
  };
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copied(button.previousElementSibling);
      button.textContent = done ? "Copied" : "Select and copy";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
  }
})();

// A click on a header sorts by it, another one the other way round; what has no value stays last.
(function sorting() {
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    return ["", "—"].includes(cell.textContent) ? null : cell.textContent;
  };
  const order = (a, b) => {
    if (typeof a === typeof b && typeof a === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  const sort = (table, column, sign) => {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [key(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * order(a, b);
    });
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const headers = Array.from(table.tHead.rows[0].cells);
    headers.forEach((header, column) =>
      header.addEventListener("click", () => {
        const descending = header.ariaSort === "ascending";
        for (const other of headers) other.removeAttribute("aria-sort");
        header.ariaSort = descending ? "descending" : "ascending";
        sort(table, column, descending ? -1 : 1);
      }),
    );
  }
})();

// The table of runs shows those that have every word of the filter and a chosen status.
(function filtering() {
  const filters = document.getElementById("filters");
  const search = document.getElementById("search");
  const rows = Array.from(document.querySelectorAll("#runs tbody tr"), (row) => ({
    row,
    status: row.cells[0].textContent,
    text: Array.from(row.cells, (cell) => cell.textContent.toLowerCase()).join("\n"),
  }));
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = new Set(
      Array.from(filters.querySelectorAll("input:checked"), (input) => input.value),
    );
    let shown = 0;
    for (const { row, status, text } of rows) {
      row.hidden = !chosen.has(status) || !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    document.getElementById("shown").value = `${shown} of ${rows.length} runs`;
  };
  filters.addEventListener("input", apply);
  filters.hidden = false;
  apply();
})();

// The pictures: drawn without evaluating code; their colours are the page's, so that they follow
// its theme and a printer's white.
(function pictures() {
  const specifications = JSON.parse(document.getElementById("figures").textContent);
  const [ink, grey, line] = ["var(--ink)", "var(--grey)", "var(--line)"];
  const colours = {
    axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: grey, tickColor: grey },
    title: { color: ink, subtitleColor: grey },
    style: { "guide-label": { fill: ink } },
    text: { color: ink },
  };
  const narrow = matchMedia("(max-width: 48rem)").matches;
  // On a phone, panels side by side stand on each other.
  const stacked = ({ hconcat, vconcat = hconcat, ...rest }) =>
    vconcat ? { ...rest, vconcat: vconcat.map(stacked) } : rest;
  const draw = (figure) => {
    const specification = specifications[figure.dataset.kind];
    const shown = narrow ? stacked(specification) : specification;
    return vegaEmbed(figure.querySelector(".plot"), shown, {
      actions: false,
      ast: true,
      bind: figure.querySelector(".controls"),
      config: colours,
      defaultStyle: false,
      logLevel: 1, // errors: a layer without data is nothing to warn of
      mode: "vega-lite",
      renderer: "svg",
      tooltip: { disableDefaultStyle: true },
    });
  };
  const drawn = Array.from(document.querySelectorAll("figure.chart"), draw);
  Promise.all(drawn).then(() => (document.body.dataset.drawn = drawn.length));
})();
