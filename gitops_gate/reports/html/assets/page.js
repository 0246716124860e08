
"use strict";
/* What the page adds where scripts run; everything is readable without. No markup is ever made of
   text: elements are cloned, or created and given textContent. */
(function () {
  function byId(id) { return document.getElementById(id); }
  function all(selector, root) {
    return Array.prototype.slice.call((root || document).querySelectorAll(selector));
  }
  function make(name, text, kind) {
    var element = document.createElement(name);
    if (text) { element.textContent = text; }
    if (kind) { element.className = kind; }
    return element;
  }
  function say(text) {
    byId("said").textContent = "";
    setTimeout(function () { byId("said").textContent = text; }, 50);
  }
  /* A viewer's sandbox may forbid all storage: then nothing is remembered. */
  function recall(key) {
    try { return localStorage.getItem("gitops-gate." + key); } catch (error) { return null; }
  }
  function remember(key, value) {
    try { localStorage.setItem("gitops-gate." + key, value); } catch (error) { return; }
  }
  function press(button, on) { button.setAttribute("aria-pressed", String(on)); }
  function pressed(button) { return button.getAttribute("aria-pressed") === "true"; }
  function reveal(element) {
    for (var at = element; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") { at.open = true; }
    }
  }
  function folded(element) {
    return Boolean(element.parentElement.closest("details:not([open])"));
  }

  function dark() {
    var chosen = document.documentElement.getAttribute("data-theme");
    if (chosen) { return chosen === "dark"; }
    return Boolean(window.matchMedia && matchMedia("(prefers-color-scheme: dark)").matches);
  }
  function colour(theme) {
    if (theme === "dark" || theme === "light") {
      document.documentElement.setAttribute("data-theme", theme);
    }
    press(byId("theme"), dark());
  }
  colour(recall("theme"));
  byId("theme").addEventListener("click", function () {
    var theme = dark() ? "light" : "dark";
    remember("theme", theme);
    colour(theme);
  });
  byId("filters").hidden = false;
