"use strict";
// Wiring of the page: Plotly draws, and the tables are plain HTML that works without any of this.
const root = document.documentElement;
const darkWanted = window.matchMedia("(prefers-color-scheme: dark)");
const element = (id) => document.getElementById(id);
const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const ACCURACIES = ["val_accuracy", "accuracy"];
const COSTS = ["latency", "macs", "params", "memory"];
const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "cross", "x"];

function make(tag, text, parent) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function setTheme(dark) {
  root.dataset.theme = dark ? "dark" : "light";
  element("theme").textContent = dark ? "Light colours" : "Dark colours";
  if (window.Plotly && element("plot")) draw();
}

// Numbers as they are printed: 1,234.5, 85.2 ± 0.3, 0.99 [0.96, 1.02]; text sorts as text.
function sortKey(text) {
  const number = parseFloat(text.replace(/,/g, ""));
  return Number.isNaN(number) ? text.toLowerCase() : number;
}

function sortTable(table, column, header) {
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [sortKey(row.cells[column].textContent.trim()), row]);
  rows.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // empty cells last, either way
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return (a < b ? -1 : a > b ? 1 : 0) * (ascending ? 1 : -1);
  });
  body.append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if (header.tagName !== "TH") return;
    const button = make("button", header.textContent);
    button.type = "button";
    button.addEventListener("click", () => sortTable(table, column, header));
    header.replaceChildren(button);
  });
}

for (const input of document.querySelectorAll("input[data-filter]")) {
  const rows = [...element(input.dataset.filter).tBodies[0].rows];
  const count = document.querySelector(`[data-count="${input.dataset.filter}"]`);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  });
}

const data = element("data") ? JSON.parse(element("data").textContent) : { points: [], quantities: {} };
data.points.forEach((point, index) => (point.index = index));

// Plotly reads markup in texts.
const escape = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function hoverText(point) {
  const lines = [`<b>${escape(point.label)}</b> (${escape(point.series)})`];
  for (const [key, label] of Object.entries(data.quantities)) {
    if (key in point.values) lines.push(`${label}: ${point.values[key]}`);
  }
  const details = point.details.dimensions || point.details;
  for (const [key, value] of Object.entries(details).slice(0, 12)) {
    lines.push(`${escape(key)}: ${escape(JSON.stringify(value)).slice(0, 60)}`);
  }
  return lines.join("<br>");
}

function bars(points, key, color) {
  if (!points.some((point) => key in point.intervals)) return {};
  const ends = points.map((point) => point.intervals[key] || [point.values[key], point.values[key]]);
  return {
    type: "data",
    array: ends.map(([, high], i) => high - points[i].values[key]),
    arrayminus: ends.map(([low], i) => points[i].values[key] - low),
    color,
    thickness: 1,
    width: 3,
  };
}

// Of a front over other quantities, what is a front of these two: cheaper first, each one better.
function steps(points, x, y) {
  const order = [...points].sort((a, b) => a.values[x] - b.values[x] || b.values[y] - a.values[y]);
  let best = -Infinity;
  return order.filter((point) => point.values[y] > best && ((best = point.values[y]), true));
}

function traces(x, y) {
  const series = [...new Set(data.points.map((point) => point.series))];
  const one = series.length === 1;
  const lineColour = getComputedStyle(root).getPropertyValue("--soft").trim();
  return series.flatMap((name, index) => {
    const all = data.points.filter((p) => p.series === name && x in p.values && y in p.values);
    // Few points are arms, each with its own mark; many are trials, and the front stands out.
    const few = all.length <= 12;
    const colours = (point, i) =>
      few || point.front ? PALETTE[(few && one ? i : index) % PALETTE.length] : "#8a949e";
    const front = steps(all.filter((point) => point.front), x, y);
    const order = few ? [...all].sort((a, b) => a.values[x] - b.values[x]) : [];
    const side = (point) => (order.indexOf(point) % 2 ? "bottom center" : "top center");
    const marks = {
      type: "scatter",
      mode: few ? "markers+text" : "markers",
      name,
      x: all.map((point) => point.values[x]),
      y: all.map((point) => point.values[y]),
      error_x: bars(all, x, lineColour),
      error_y: bars(all, y, lineColour),
      text: few ? all.map((point) => escape(point.label)) : undefined,
      textposition: few ? all.map(side) : undefined,
      hovertext: all.map(hoverText),
      hoverinfo: "text",
      customdata: all.map((point) => point.index),
      marker: {
        size: few ? 11 : 7,
        symbol: all.map((point, i) => SYMBOLS[(few ? i : index) % SYMBOLS.length]),
        color: all.map(colours),
        opacity: all.map((point) => (few || point.front ? 1 : 0.55)),
      },
    };
    const line = {
      type: "scatter",
      mode: "lines",
      line: { shape: "hv", width: 1, color: lineColour },
      x: front.map((point) => point.values[x]),
      y: front.map((point) => point.values[y]),
      hoverinfo: "skip",
      showlegend: false,
    };
    return COSTS.includes(x) && ACCURACIES.includes(y) ? [line, marks] : [marks];
  });
}

function draw() {
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = (select, log) => ({
    title: { text: data.quantities[element(select).value] },
    type: element(log).checked ? "log" : "linear",
    gridcolor: colour("--line"),
    zeroline: false,
  });
  const layout = {
    paper_bgcolor: colour("--back"),
    plot_bgcolor: colour("--back"),
    font: { color: colour("--text"), family: "system-ui, sans-serif" },
    xaxis: axis("x-axis", "x-log"),
    yaxis: axis("y-axis", "y-log"),
    margin: { t: 20, r: 20, b: 50, l: 60 },
    hovermode: "closest",
    showlegend: new Set(data.points.map((point) => point.series)).size > 1,
    legend: { orientation: "h", y: 1.08 },
  };
  const config = { responsive: true, displaylogo: false };
  return Plotly.react("plot", traces(element("x-axis").value, element("y-axis").value), layout, config);
}

function pin(point) {
  const box = element("pinned");
  box.replaceChildren();
  const section = make("section", "", box);
  make("h3", `${point.label} (${point.series})`, section);
  if (point.command) {
    make("p", "Repeat:", section);
    make("pre", point.command, section);
  }
  make("p", `Architecture ${point.id}:`, section);
  make("pre", JSON.stringify(point.details, null, 1), section);
}

if (element("plot")) {
  const keys = Object.keys(data.quantities);
  // The accuracy that most points have; of a search, which selects by it, that of validation.
  const count = (key) => data.points.filter((point) => key in point.values).length;
  const accuracies = [...ACCURACIES].sort((a, b) => count(b) - count(a));
  const defaults = [["x-axis", ["latency", "macs"]], ["y-axis", [...accuracies, "params"]]];
  for (const [id, wanted] of defaults) {
    for (const key of keys) make("option", data.quantities[key], element(id)).value = key;
    element(id).value = wanted.find((key) => keys.includes(key)) || keys[0];
    element(id).addEventListener("change", draw);
  }
  for (const id of ["x-log", "y-log"]) element(id).addEventListener("change", draw);
  for (const button of document.querySelectorAll("button.pin")) {
    const point = data.points.find((one) => one.id === button.dataset.record);
    if (!point) button.remove();
    else button.addEventListener("click", () => pin(point));
  }
}
element("theme").addEventListener("click", () => setTheme(root.dataset.theme !== "dark"));
darkWanted.addEventListener("change", () => setTheme(darkWanted.matches));
setTheme(darkWanted.matches);
if (element("plot")) {
  element("plot").on("plotly_click", (event) => {
    const index = event.points[0].customdata;
    if (index !== undefined) pin(data.points[index]);
  });
}
