
  /* Diffs side by side, made from the unified ones when they are first seen. */
  function cell(row, kind, nodes) {
    var element = row.insertCell();
    element.className = kind;
    nodes.forEach(function (node) { element.appendChild(node); });
    return element;
  }

  /* The nodes of a line, without its sign and its line break. */
  function content(line) {
    var copy = line.cloneNode(true);
    var first = copy.firstChild;
    if (first && first.nodeType === 3) { first.data = first.data.slice(1); }
    var last = copy.lastChild;
    if (last && last.nodeType === 3) { last.data = last.data.replace(/\n$/, ""); }
    return Array.prototype.slice.call(copy.childNodes);
  }

  function flush(table, removed, added) {
    while (removed.length || added.length) {
      var left = removed[0] && removed[0].className === "p";
      var right = added[0] && added[0].className === "p";
      /* Two versions of one line stand in one row; what has no other version is in its own. */
      var both = removed.length && added.length && Boolean(left) === Boolean(right);
      var row = table.insertRow();
      var one = both || (removed.length && !(left && added.length)) ? removed.shift() : null;
      var two = both || !one ? added.shift() : null;
      cell(row, one ? "del" : "", one ? content(one) : []);
      cell(row, two ? "ins" : "", two ? content(two) : []);
    }
  }

  function sides(pre) {
    var table = make("table", "", "sides");
    table.setAttribute("aria-label", "Side by side: " + pre.getAttribute("aria-label"));
    var removed = [];
    var added = [];
    Array.prototype.forEach.call(pre.childNodes, function (node) {
      if (node.nodeName === "DEL") {
        if (added.length) { flush(table, removed, added); }
        removed.push(node);
        return;
      }
      if (node.nodeName === "INS") { added.push(node); return; }
      flush(table, removed, added);
      if (node.nodeName === "I") {
        cell(table.insertRow(), "hunk", [document.createTextNode(node.textContent.trim())]).colSpan = 2;
        return;
      }
      node.textContent.replace(/\n$/, "").split("\n").forEach(function (line) {
        var row = table.insertRow();
        cell(row, "", [document.createTextNode(line.slice(1))]);
        cell(row, "", [document.createTextNode(line.slice(1))]);
      });
    });
    flush(table, removed, added);
    return table;
  }

  var beside = byId("side-by-side");
  var narrow = window.matchMedia ? matchMedia("(max-width: 48rem)") : { matches: false };

  function show(change) {
    var pre = change.querySelector(".diff");
    if (!pre || !beside) { return; }
    var on = pressed(beside) && !narrow.matches;
    var table = change.querySelector(".sides");
    if (on && !table && change.open) {
      table = sides(pre);
      pre.parentNode.insertBefore(table, pre.nextSibling);
    }
    pre.hidden = Boolean(on && table);
    if (table) { table.hidden = !on; }
    if (change.open && !change.querySelector(".copy")) { copier(change, pre); }
  }

  function copier(change, pre) {
    var button = make("button", "Copy diff", "copy");
    button.type = "button";
    button.addEventListener("click", function () { copy(pre.textContent, "Diff copied"); });
    change.querySelector(".meta").appendChild(button);
  }

  function copy(text, done) {
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(text).then(
        function () { say(done); }, function () { byHand(text, done); });
    } else { byHand(text, done); }
  }

  function byHand(text, done) {
    var area = make("textarea", "", "unseen");
    var before = document.activeElement;
    area.value = text;
    document.body.appendChild(area);
    area.select();
    try { say(document.execCommand("copy") ? done : "Could not be copied"); } finally { area.remove(); }
    if (before && before.focus) { before.focus(); }
  }

  var changes = all(".change");
  function abreast(on) {
    press(beside, on);
    remember("diffs", on ? "beside" : "below");
    changes.forEach(show);
  }
  document.addEventListener("toggle", function (event) {
    if (event.target.classList.contains("change")) { show(event.target); }
  }, true);
  if (beside) {
    byId("diff-tools").hidden = false;
    beside.addEventListener("click", function () { abreast(!pressed(beside)); });
    byId("open-all").addEventListener("click", function () {
      var on = !pressed(byId("open-all"));
      press(byId("open-all"), on);
      changes.forEach(function (change) { if (!change.hidden) { change.open = on; } });
    });
    press(beside, recall("diffs") === "beside");
    changes.forEach(show);
    window.addEventListener("resize", function () { changes.forEach(show); });
  }

  /* On paper everything is open. */
  var closed = [];
  window.addEventListener("beforeprint", function () {
    closed = all("details:not([open])");
    closed.forEach(function (details) { details.open = true; });
  });
  window.addEventListener("afterprint", function () {
    closed.forEach(function (details) { details.open = false; });
  });
