
"use strict";
(function () {
  var byId = function (id) { return document.getElementById(id); };
  var cards = Array.from(document.querySelectorAll(".finding[data-state], .change")).map(function (element) {
    return {
      element: element,
      finding: element.classList.contains("finding"),
      severity: element.dataset.severity || "",
      states: (element.dataset.state || "").split(" "),
      environments: JSON.parse(element.dataset.environments),
      applications: JSON.parse(element.dataset.applications),
      text: null
    };
  });
  var form = byId("filters");
  var fields = ["search", "severity", "state", "environment", "application"].map(byId);

  function words(card) {
    if (card.text === null) { card.text = card.element.textContent.toLowerCase(); }
    return card.text;
  }

  function wanted(card, query, severity, state, environment, application) {
    if (card.finding && severity && card.severity !== severity) { return false; }
    if (card.finding && state && !card.states.includes(state)) { return false; }
    if (environment && !card.environments.includes(environment)) { return false; }
    if (application && !card.applications.includes(application)) { return false; }
    return query.every(function (word) { return words(card).includes(word); });
  }

  function filter() {
    var values = fields.map(function (field) { return field.value; });
    var query = values[0].toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    cards.forEach(function (card) {
      var fits = wanted(card, query, values[1], values[2], values[3], values[4]);
      card.element.hidden = !fits;
      if (fits) { shown += 1; }
    });
    var active = values.some(Boolean);
    document.querySelectorAll(".more").forEach(function (more) {
      more.hidden = active && !more.querySelector(".card:not([hidden])");
      more.open = more.open || active;
    });
    byId("matches").textContent = active ? shown + " of " + cards.length + " shown" : "";
  }

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.addEventListener("reset", function () { setTimeout(filter, 0); });
  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      fields[0].focus();
    }
  });

  function cell(row, kind, text) {
    var element = row.insertCell();
    element.className = kind;
    element.textContent = text;
    return element;
  }

  function sides(pre) {
    var table = document.createElement("table");
    table.className = "sides";
    var removed = [];
    var added = [];
    function flush() {
      for (var index = 0; index < Math.max(removed.length, added.length); index += 1) {
        var row = table.insertRow();
        cell(row, index < removed.length ? "del" : "", removed[index] || "");
        cell(row, index < added.length ? "add" : "", added[index] || "");
      }
      removed = [];
      added = [];
    }
    Array.from(pre.children).forEach(function (line) {
      var text = line.textContent.replace(/\n$/, "");
      if (line.className === "del") { removed.push(text.slice(1)); return; }
      if (line.className === "add") { added.push(text.slice(1)); return; }
      flush();
      var row = table.insertRow();
      if (line.className === "hunk") { cell(row, "hunk", text).colSpan = 2; return; }
      cell(row, "", text.slice(1));
      cell(row, "", text.slice(1));
    });
    flush();
    return table;
  }

  function toggle(button, act) {
    if (!button) { return; }
    button.addEventListener("click", function () {
      var on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      act(on);
    });
  }

  toggle(byId("open-all"), function (on) {
    document.querySelectorAll(".change").forEach(function (change) { change.open = on; });
  });
  toggle(byId("side-by-side"), function (on) {
    document.querySelectorAll(".change").forEach(function (change) {
      var pre = change.querySelector(".diff");
      var table = change.querySelector(".sides");
      if (!pre) { return; }
      if (on && !table) { pre.after(sides(pre)); } else if (table) { table.hidden = !on; }
      pre.hidden = on;
    });
  });
  if (byId("diff-tools")) { byId("diff-tools").hidden = false; }
}());
