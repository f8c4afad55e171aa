"use strict";

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

// The pictures, and a mark when all of them stand.
(function pictures() {
  const specifications = JSON.parse(document.getElementById("figures").textContent);
  const narrow = matchMedia("(max-width: 48rem)").matches;
  // On a phone, panels side by side stand on each other.
  const stacked = ({ hconcat, vconcat = hconcat, ...rest }) =>
    vconcat ? { ...rest, vconcat: vconcat.map(stacked) } : rest;
  const draw = (figure) => {
    const specification = specifications[figure.dataset.kind];
    const shown = narrow ? stacked(specification) : specification;
    return drawPicture(figure, shown);
  };
  const drawn = Array.from(document.querySelectorAll("figure.chart"), draw);
  Promise.all(drawn).then(() => (document.body.dataset.drawn = drawn.length));
})();
