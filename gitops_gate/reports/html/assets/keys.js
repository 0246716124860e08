
  /* Links into the page, and keys. */
  var reached = null;
  function arrive(element) {
    if (reached) { reached.classList.remove("reached"); }
    reached = element;
    reveal(element);
    if (element.closest("[hidden]")) { clear(); filter(); }
    element.classList.add("reached");
    focus(element);
    element.scrollIntoView({ block: "start" });
  }

  function focus(element) {
    var at = element.tagName === "DETAILS" ? element.querySelector("summary") : element;
    if (at !== element.querySelector("summary")) { at.setAttribute("tabindex", "-1"); }
    at.focus({ preventScroll: true });
  }

  function follow() {
    if (recover()) { return; }
    var id = location.hash.slice(1);
    var target = id && byId(id);
    if (!target && id) {
      try { target = byId(decodeURIComponent(id)); } catch (error) { return; }
    }
    if (target && /^(finding|application|change)-/.test(target.id)) { arrive(target); }
  }
  window.addEventListener("hashchange", follow);

  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    if (link.classList.contains("anchor")) {
      copy(link.href, "Link copied");
    } else if (link.hasAttribute("data-pick")) {
      event.preventDefault();
      pick(link.getAttribute("data-pick"));
      var place = byId(counts.change && byId("changes") ? "changes" : "findings");
      var wish = (link.getAttribute("href") || "#").slice(1);
      if (wish === "findings" || wish === "changes") { place = byId(wish); }
      place.scrollIntoView({ block: "start" });
    }
  });

  function steps() {
    return cards.filter(function (card) { return card.kind === "finding" || card.kind === "change"; })
      .map(function (card) { return card.element; });
  }
  function visible(element) { return !element.closest("[hidden]") && !folded(element); }

  function step(forward) {
    var list = steps();
    var here = document.activeElement && document.activeElement.closest(".finding, .change");
    var at = list.indexOf(here);
    if (at < 0) {
      var top = document.querySelector(".bar").getBoundingClientRect().bottom;
      at = list.findIndex(function (element) {
        return visible(element) && element.getBoundingClientRect().top >= top - 1;
      });
      if (at < 0) { at = list.length; }
      at -= forward ? 1 : 0;
    }
    do { at += forward ? 1 : -1; } while (list[at] && !visible(list[at]));
    if (!list[at]) { say(forward ? "That was the last one" : "That was the first one"); return; }
    focus(list[at]);
    list[at].scrollIntoView({ block: "nearest" });
  }

  function escape() {
    if (byId("help").open) { return; }
    if (!byId("choices").hidden) { byId("more-filters").click(); byId("more-filters").focus(); return; }
    if (document.activeElement === search) {
      if (search.value) { search.value = ""; filter(); } else { search.blur(); }
      return;
    }
    if (active()) { clear(); filter(); return; }
    if (document.activeElement && document.activeElement.blur) { document.activeElement.blur(); }
  }

  function help() {
    var dialog = byId("help");
    if (dialog.showModal) { if (!dialog.open) { dialog.showModal(); } } else { dialog.setAttribute("open", ""); }
  }
  byId("show-help").addEventListener("click", help);
  var single = byId("keys-on");
  single.checked = recall("keys") !== "off";
  single.addEventListener("change", function () { remember("keys", single.checked ? "on" : "off"); });

  var keys = {
    "/": function () { search.focus(); search.select(); },
    "j": function () { step(true); },
    "k": function () { step(false); },
    "s": function () { if (beside) { beside.click(); } },
    "?": help,
    "Enter": function () {
      var here = document.activeElement;
      if (!here || !here.classList.contains("finding")) { return false; }
      var about = here.querySelector("details");
      if (about) { about.open = !about.open; }
    }
  };
  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (event.key === "Escape") { escape(); return; }
    if (typing || byId("help").open || !keys[event.key]) { return; }
    if (event.key !== "Enter" && !single.checked) { return; }
    if (keys[event.key]() !== false) { event.preventDefault(); }
  });

  follow();
}());
