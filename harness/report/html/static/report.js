"use strict";
// Everything works without this script; it adds sorting, filtering, a theme, and a trial's samples.
// Texts of records are only ever set as textContent, never as markup.

const PAGE = 200;

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// ---- theme: the system's, until a reader chooses

function theme() {
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const label = () => { button.textContent = dark() ? "Light" : "Dark"; button.ariaLabel = `Switch to the ${dark() ? "light" : "dark"} theme`; };
  button.hidden = false;
  button.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; label(); });
  system.addEventListener("change", label);
  label();
}

// ---- tables

const UNITS = { "s": 1, "ms": 1e-3, "µs": 1e-6, "MB": 1, "GB": 1e3 };

// What a cell of a small table is sorted by: its first number in its unit, or its text.
function keyOf(cell, figure) {
  const text = (cell.querySelector(".main") ?? cell).textContent.trim();
  if (!figure) return text.toLowerCase();
  const found = /^([+\-−]?[\d,]*\.?\d+)[×%]?\s*(\S*)/.exec(text);
  if (!found) return null;
  return parseFloat(found[1].replaceAll(",", "").replace("−", "-")) * (UNITS[found[2]] ?? 1);
}

class Rows {
  constructor(table) {
    this.table = table;
    this.heads = [...table.tHead.rows[0].cells];
    this.figures = this.heads.map((head) => head.classList.contains("figure"));
    const data = table.dataset.rows && document.getElementById(table.dataset.rows);
    this.payload = data ? JSON.parse(data.textContent) : null;
    this.rows = this.payload ? this.payload.rows.map(([cells, keys], i) => ({ i, cells, keys })) : this.read();
    this.shown = this.rows;
    this.page = 0;
    if (table.hasAttribute("data-sortable")) this.heads.forEach((head, column) => this.sortable(head, column));
    if (table.hasAttribute("data-filterable")) this.filterable();
    if (this.payload) this.draw();
  }

  read() {
    return [...this.table.tBodies[0].rows].map((element, i) => ({
      i, element,
      cells: [...element.cells].map((cell) => cell.textContent),
      keys: [...element.cells].map((cell, column) => keyOf(cell, this.figures[column])),
    }));
  }

  sortable(head, column) {
    const button = make("button", { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.ariaSort !== "ascending";
      for (const other of this.heads) other.removeAttribute("aria-sort");
      head.ariaSort = up ? "ascending" : "descending";
      this.rows.sort((a, b) => this.compare(a.keys[column], b.keys[column], up) || a.i - b.i);
      this.select();
    });
  }

  // What is missing stands at the end, whichever way the rest is sorted.
  compare(a, b, up) {
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    return up ? order : -order;
  }

  filterable() {
    const input = make("input", { type: "search", autocomplete: "off" });
    this.status = make("span", { role: "status" });
    this.tools = make("div", { className: "tools" }, make("label", {}, "Filter ", input), this.status);
    if (this.payload) {
      this.before = make("button", { type: "button", textContent: "Earlier rows" });
      this.after = make("button", { type: "button", textContent: "Further rows" });
      this.before.addEventListener("click", () => { this.page -= 1; this.draw(); });
      this.after.addEventListener("click", () => { this.page += 1; this.draw(); });
      this.tools.append(this.before, this.after);
    }
    this.table.parentElement.before(this.tools);
    input.addEventListener("input", () => { this.words = input.value.toLowerCase().split(/\s+/).filter(Boolean); this.select(); });
    this.tell();
  }

  select() {
    const words = this.words ?? [];
    this.shown = this.rows.filter((row) => {
      row.text ??= row.cells.join(" ").toLowerCase();
      return words.every((word) => row.text.includes(word));
    });
    this.page = 0;
    this.draw();
  }

  draw() {
    const some = this.payload ? this.shown.slice(this.page * PAGE, (this.page + 1) * PAGE) : this.shown;
    this.table.tBodies[0].replaceChildren(...some.map((row) => row.element ?? (row.element = this.line(row))));
    this.tell();
  }

  tell() {
    if (!this.status) return;
    const last = Math.max(Math.ceil(this.shown.length / PAGE) - 1, 0);
    const part = this.payload && last ? `, part ${this.page + 1} of ${last + 1}` : "";
    this.status.textContent = `${this.shown.length.toLocaleString("en")} of ${this.rows.length.toLocaleString("en")} rows${part}`;
    if (this.before) { this.before.hidden = this.page === 0; this.after.hidden = this.page >= last; }
  }

  line(row) {
    const line = make("tr");
    row.cells.forEach((text, column) => {
      const cell = make(column ? "td" : "th", { className: this.figures[column] ? "figure" : "" });
      if (column) { cell.textContent = text; } else {
        cell.scope = "row";
        const button = make("button", { type: "button", textContent: text, className: "open" });
        button.ariaLabel = `${text}, round ${row.cells[1]}, seed ${row.cells[2]}: show its samples`;
        button.addEventListener("click", () => open(this.payload, row));
        cell.append(button);
      }
      line.append(cell);
    });
    return line;
  }
}

// ---- one trial

function open(payload, row) {
  const [group, facts, samples, warm] = payload.more[row.i];
  const marked = new Set(warm);
  const named = payload.columns.map(([name], column) => [name, row.cells[column]]).slice(5, -1);
  const list = make("dl");
  for (const [name, text] of [...named, ...facts]) list.append(make("dt", { textContent: name }), make("dd", { textContent: text }));
  const content = [list];
  if (samples.length) {
    const numbers = make("p", { className: "samples", tabIndex: 0 });
    samples.forEach((value, i) => numbers.append(marked.has(i) ? make("span", { className: "warm", title: "warm-up", textContent: value }) : String(value), " "));
    content.push(make("h3", { textContent: "Step time of every epoch, ms" }), chart(samples, marked), numbers,
      make("p", { className: "certainty", textContent: "In the order of training. Underlined and hollow: warm-up, not counted; what is longer than the drawing is high stands at its upper end." }));
  }
  if (payload.commands[group]) content.push(make("h3", { textContent: "Its cell again" }), make("code", { textContent: payload.commands[group] }));
  document.getElementById("trial-name").textContent = `${row.cells[0]}, round ${row.cells[1]}, seed ${row.cells[2]}, repetition ${row.cells[3]}`;
  document.getElementById("trial-content").replaceChildren(...content);
  document.getElementById("trial").showModal();
}

// Drawn thinned to 400 points; the list below holds all. A first epoch that compiles may take ten
// times as long as the rest, so warm-up does not stretch the axis but stops at its upper end.
function chart(samples, marked) {
  const [width, height, pad] = [760, 160, 8];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${samples.length} epochs, from ${samples.reduce((a, b) => Math.min(a, b))} to ${samples.reduce((a, b) => Math.max(a, b))} ms per step`);
  const counted = samples.filter((_, i) => !marked.has(i));
  const top = 1.1 * (counted.length ? counted : samples).reduce((a, b) => Math.max(a, b)), every = Math.max(1, Math.ceil(samples.length / 400));
  for (let i = 0; i < samples.length; i += every) {
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    dot.setAttribute("cx", pad + (width - 2 * pad) * (samples.length > 1 ? i / (samples.length - 1) : 0.5));
    dot.setAttribute("cy", height - pad - (height - 2 * pad) * Math.min(samples[i] / top, 1));
    dot.setAttribute("r", 4);
    dot.setAttribute("stroke", "var(--accent)");
    dot.setAttribute("fill", marked.has(i) ? "none" : "var(--accent)");
    svg.append(dot);
  }
  return svg;
}

// ---- commands

function copyable(command) {
  if (!navigator.clipboard) return;
  const button = make("button", { type: "button", textContent: "Copy" });
  button.addEventListener("click", async () => {
    const code = command.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      // Where a browser refuses, the command stands selected, ready for the keyboard.
      getSelection().selectAllChildren(code);
    }
  });
  command.append(button);
}

// ---- plots: one group at a time; without this script all are shown

function chooser(buttons) {
  const groups = document.querySelectorAll("[data-group]");
  const choose = (key) => {
    for (const group of groups) group.hidden = group.dataset.group !== key;
    for (const button of buttons.children) button.ariaPressed = String(button.dataset.shows === key);
  };
  for (const button of buttons.children) button.addEventListener("click", () => choose(button.dataset.shows));
  buttons.hidden = groups.length < 2;
  if (groups.length > 1) choose(groups[0].dataset.group);
}

// ---- folded parts: a link to one opens it, and so does printing

function unfold() {
  const part = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (part && part.tagName === "DETAILS") { part.open = true; part.scrollIntoView(); }
}

theme();
document.querySelectorAll(".chooser").forEach(chooser);
addEventListener("hashchange", unfold);
unfold();
document.querySelectorAll("table[data-sortable], table[data-filterable]").forEach((table) => new Rows(table));
document.querySelectorAll(".command").forEach(copyable);
document.querySelectorAll(".static").forEach((hint) => { hint.hidden = true; });
