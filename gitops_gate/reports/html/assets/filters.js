
  /* Filters and search. A card says by numbers which values it has; a select's value is a number. */
  var form = byId("filters");
  var search = byId("search");
  var selects = all("select", form);
  var names = ["severity", "state", "rule", "environment", "application", "kind", "operation", "risk"];
  var ofFindings = ["severity", "state", "rule"];
  var ofChanges = ["operation", "risk"];
  var cards = all(".finding, .change, .applications tbody tr, .failure h3[data-application], .names li");
  cards = cards.map(function (element) {
    var values = {};
    names.forEach(function (name) {
      var numbers = element.getAttribute("data-" + name);
      if (numbers !== null) { values[name] = " " + numbers + " "; }
    });
    var kind = "other";
    if (element.classList.contains("finding")) { kind = "finding"; }
    if (element.classList.contains("change")) { kind = "change"; }
    if (element.closest(".failure")) { kind = "failure"; }
    return { element: element, kind: kind, values: values, text: null };
  });
  var counts = { finding: 0, change: 0, failure: 0, other: 0 };
  cards.forEach(function (card) { counts[card.kind] += 1; });

  /* The words above a card that are of all cards below them: rule, remedy, applications. */
  function above(card) {
    var part = card.kind === "other" || card.kind === "failure" ? null : card.element.parentElement.closest(".rule, section.part");
    if (!part) { return ""; }
    if (part.gateWords === undefined) {
      part.gateWords = Array.prototype.filter.call(part.children, function (child) {
        return /^(H3|H4|DL|P)$/.test(child.tagName);
      }).map(function (child) { return child.textContent; }).join(" ");
    }
    return part.gateWords;
  }

  function has(card, word) {
    if (card.text === null) {
      card.text = (card.element.textContent + " " + above(card)).toLowerCase();
    }
    return card.text.indexOf(word) >= 0;
  }

  function chosen() {
    var values = {};
    selects.forEach(function (select) { if (select.value) { values[select.name] = select.value; } });
    return values;
  }

  /* Asking for something that only findings have hides the changes, and the other way round. */
  function wanted(card, values, words) {
    var asked = Object.keys(values);
    var findings = asked.some(function (name) { return ofFindings.indexOf(name) >= 0; });
    var changes = asked.some(function (name) { return ofChanges.indexOf(name) >= 0; });
    if (card.kind === "finding" && changes && !findings) { return false; }
    if (card.kind === "change" && findings && !changes) { return false; }
    if (card.kind === "failure" && asked.some(function (name) { return !(name in card.values); })) { return false; }
    return asked.every(function (name) {
      if (card.kind === "finding" && ofChanges.indexOf(name) >= 0) { return true; }
      if (card.kind === "change" && ofFindings.indexOf(name) >= 0) { return true; }
      if (card.kind === "other" && !(name in card.values)) { return true; }
      return (card.values[name] || "").indexOf(" " + values[name] + " ") >= 0;
    }) && words.every(function (word) { return has(card, word); });
  }

  function settle(selector, cardSelector, active) {
    all(selector).forEach(function (part) {
      part.hidden = active && !part.querySelector(cardSelector);
      if (part.tagName === "DETAILS" && !part.hidden) {
        if (active && !part.open) { part.setAttribute("data-opened", ""); part.open = true; }
        if (!active && part.hasAttribute("data-opened")) {
          part.removeAttribute("data-opened");
          part.open = false;
        }
      }
    });
  }

  function nothing(id, none, active) {
    var note = byId(id) && byId(id).querySelector(".nothing");
    if (note) { note.hidden = !(active && none); }
  }

  function filter() {
    var values = chosen();
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    var active = words.length > 0 || Object.keys(values).length > 0;
    var shown = { finding: 0, change: 0, failure: 0, other: 0 };
    cards.forEach(function (card) {
      var fits = !active || wanted(card, values, words);
      if (card.element.hidden === fits) { card.element.hidden = !fits; }
      if (fits) { shown[card.kind] += 1; }
    });
    settle(".rule", ".finding:not([hidden])", active);
    settle("#findings .part, #rules .part", ".finding:not([hidden])", active);
    settle("#changes .part", ".change:not([hidden])", active);
    settle("#applications .part", "tbody tr:not([hidden])", active);
    settle(".failure", "h3[data-application]:not([hidden]), .names li:not([hidden])", active);
    settle("#failed .part, #failed", ".failure:not([hidden])", active);
    nothing("findings", shown.finding === 0, active);
    nothing("changes", shown.change === 0, active);
    summarise(shown, active);
    chips(values);
    keep(values, active);
  }

  function summarise(shown, active) {
    var text = shown.finding + " of " + counts.finding + " distinct findings";
    if (counts.change) { text += ", " + shown.change + " of " + counts.change + " distinct changes"; }
    byId("how-many").textContent = active ? text : "";
    byId("chosen").hidden = !active;
    measure();
  }

  function label(select) { return select.options[select.selectedIndex].text; }

  function chips(values) {
    all(".chip", form).forEach(function (chip) { chip.remove(); });
    selects.forEach(function (select) {
      if (!(select.name in values)) { return; }
      var chip = make("button", select.name + ": " + label(select) + " ×", "chip");
      chip.type = "button";
      chip.setAttribute("aria-label", "Take away the filter " + select.name + " " + label(select));
      chip.addEventListener("click", function () { select.value = ""; filter(); search.focus(); });
      byId("chosen").insertBefore(chip, form.querySelector("[type=reset]"));
    });
    var number = Object.keys(values).length;
    byId("more-filters").textContent = number ? "Filters (" + number + ")" : "Filters";
  }

  /* The filters are in the address, so that they can be sent to somebody: #?environment=production */
  function keep(values, active) {
    var pairs = selects.filter(function (select) { return select.name in values; })
      .map(function (select) { return select.name + "=" + encodeURIComponent(label(select)); });
    if (search.value.trim()) { pairs.push("search=" + encodeURIComponent(search.value.trim())); }
    if (!active && location.hash.indexOf("#?") !== 0) { return; }
    try { history.replaceState(null, "", active ? "#?" + pairs.join("&") : "#"); } catch (error) { return; }
  }

  function recover() {
    if (location.hash.indexOf("#?") !== 0) { return false; }
    clear();
    location.hash.slice(2).split("&").forEach(function (pair) {
      var cut = pair.indexOf("=");
      var value;
      try { value = decodeURIComponent(pair.slice(cut + 1)); } catch (error) { return; }
      if (pair.slice(0, cut) === "search") { search.value = value; }
      selects.forEach(function (select) {
        if (select.name !== pair.slice(0, cut)) { return; }
        all("option", select).forEach(function (option) {
          if (option.value && option.text === value) { select.value = option.value; }
        });
      });
    });
    filter();
    return true;
  }

  function clear() {
    search.value = "";
    selects.forEach(function (select) { select.value = ""; });
  }

  function active() { return search.value.trim() !== "" || Object.keys(chosen()).length > 0; }

  function pick(numbers) {
    clear();
    numbers.split("&").forEach(function (pair) {
      selects.forEach(function (select) {
        if (select.name === pair.split("=")[0]) { select.value = pair.split("=")[1]; }
      });
    });
    filter();
  }

  /* The bar covers what a link leads to, unless the page knows how tall it is. */
  function measure() {
    var height = document.querySelector(".bar").offsetHeight;
    document.documentElement.style.setProperty("--bar", height + "px");
  }

  var waiting = 0;
  search.addEventListener("input", function () {
    clearTimeout(waiting);
    waiting = setTimeout(filter, cards.length > 500 ? 150 : 0);
  });
  form.addEventListener("change", function (event) { if (event.target !== search) { filter(); } });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.addEventListener("reset", function () {
    setTimeout(function () { clear(); filter(); search.focus(); }, 0);
  });
  byId("more-filters").addEventListener("click", function () {
    var open = byId("choices").hidden;
    byId("choices").hidden = !open;
    byId("more-filters").setAttribute("aria-expanded", String(open));
    measure();
  });
  byId("more-filters").hidden = !selects.length;
  window.addEventListener("resize", measure);
  measure();
