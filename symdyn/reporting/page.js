(function () {
  "use strict";
  var MOST = 30; // rows of a table before it folds
  var all = function (query, root) { return Array.prototype.slice.call((root || document).querySelectorAll(query)); };
  all(".needs-script").forEach(function (part) { part.hidden = false; });

  // Light and dark: as the system has it, until the reader chooses.
  var root = document.documentElement, theme = document.querySelector('[data-do="theme"]');
  var isDark = function () {
    var chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  var name = function () { theme.textContent = isDark() ? "Light" : "Dark"; };
  try { if (localStorage.symdynTheme) root.dataset.theme = localStorage.symdynTheme; } catch (e) { /* pages from a file */ }
  theme.addEventListener("click", function () {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.symdynTheme = root.dataset.theme; } catch (e) { /* pages from a file */ }
    name();
  });
  name();

  // Sections: what few read is folded at first; paper shows all.
  var sections = all("details.section"), fold = document.querySelector('[data-do="fold"]');
  all("details.origin").forEach(function (part) { part.open = false; });
  fold.addEventListener("click", function () {
    var open = fold.textContent === "Unfold all";
    sections.forEach(function (part) { part.open = open; });
    fold.textContent = open ? "Fold all" : "Unfold all";
  });
  addEventListener("beforeprint", function () { all("details").forEach(function (part) { part.open = true; }); });

  // Tables sort by a click on a header: up, down, and as they were.
  all("table").forEach(function (table) {
    var body = table.tBodies[0], rows = all("tr", body), button = null;
    var show = function (order) {
      order.forEach(function (row, k) { body.appendChild(row); row.classList.toggle("beyond", k >= MOST); });
    };
    if (rows.length > MOST) {
      button = document.createElement("button");
      button.type = "button";
      button.className = "more";
      var label = function () {
        button.textContent = table.classList.contains("folded") ? "Show all " + rows.length + " rows" : "Show the first " + MOST;
      };
      button.addEventListener("click", function () { table.classList.toggle("folded"); label(); });
      table.classList.add("folded");
      table.parentNode.after(button);
      label();
      show(rows);
    }
    var key = function (row, column) {
      var cell = row.cells[column];
      return cell.dataset.value === undefined ? (cell.textContent === "–" ? null : cell.textContent) : Number(cell.dataset.value);
    };
    var compare = function (a, b) {
      return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    };
    var heads = all("th", table);
    var sort = function (column) {
      var next = { none: "ascending", ascending: "descending", descending: "none" }[heads[column].getAttribute("aria-sort") || "none"];
      heads.forEach(function (head) { head.removeAttribute("aria-sort"); });
      if (next === "none") { show(rows); return; }
      heads[column].setAttribute("aria-sort", next);
      var sign = next === "ascending" ? 1 : -1;
      show(rows.slice().sort(function (first, second) { // what is not known comes last, either way
        var a = key(first, column), b = key(second, column);
        return a === null ? (b === null ? 0 : 1) : b === null ? -1 : sign * compare(a, b);
      }));
    };
    table.classList.add("sortable");
    heads.forEach(function (head, column) {
      head.tabIndex = 0;
      head.addEventListener("click", function () { sort(column); });
      head.addEventListener("keydown", function (event) { if (event.key === "Enter") sort(column); });
    });
  });

  // A solution moved along a generator: one of the curves that are in the page.
  all(".mover").forEach(function (mover) {
    var select = mover.querySelector("select"), range = mover.querySelector("input"), output = mover.querySelector("output");
    var motions = all(".motion", mover);
    all(".generator", mover).forEach(function (part) { part.hidden = true; });
    var show = function () {
      var drawing = motions[select.value].querySelector("svg"), k = Number(range.value);
      motions.forEach(function (motion, place) { motion.hidden = place !== Number(select.value); });
      drawing.querySelector(".moved").setAttribute("d", JSON.parse(drawing.dataset.paths)[k]);
      drawing.querySelector(".solved").setAttribute("d", JSON.parse(drawing.dataset.dots)[k] || "");
      output.textContent = JSON.parse(drawing.dataset.amounts)[k];
    };
    range.addEventListener("input", show);
    select.addEventListener("change", show);
    range.value = 14; // moved a little, so that there is something to see
    show();
  });
})();
