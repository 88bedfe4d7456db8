
"use strict";
(() => {
  const root = document.documentElement, all = (s, e = document) => [...e.querySelectorAll(s)], one = (s) => document.querySelector(s);
  root.classList.add("scripted");
  const apps = all(".app"), search = one("#q"), kind = one("#kind"), only = one("#app"), levels = all("input[name=level]");
  const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* a file has no storage everywhere */ } };

  // Colours: as the system has it, light, dark.
  const themes = ["auto", "light", "dark"], button = one("#theme");
  const paint = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    button.textContent = theme[0].toUpperCase() + theme.slice(1);
    button.setAttribute("aria-label", "Colours: " + (theme === "auto" ? "as the system" : theme));
  };
  let theme = themes.includes(recall("assay-theme")) ? recall("assay-theme") : "auto";
  paint(theme);
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    keep("assay-theme", theme);
    paint(theme);
  });

  new ResizeObserver(([bar]) => root.style.setProperty("--bar", getComputedStyle(bar.target).position === "sticky" ? bar.target.offsetHeight + "px" : "0px")).observe(one("#tools"));

  // What is looked for, by application; read once, as pages may be large.
  const texts = new Map();
  const textOf = (e) => {
    if (!texts.has(e)) texts.set(e, all(".s", e).map((s) => s.textContent).join("\n").toLowerCase());
    return texts.get(e);
  };
  for (const level of levels) {
    const count = apps.filter((a) => a.dataset.level === level.value).length;
    one(`[data-count=${level.value}]`).textContent = count;
  }

  const entries = new Map(all(".index li").map((e) => [e.dataset.app, e]));
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean), on = new Set(levels.filter((l) => l.checked).map((l) => l.value));
    const fits = (e) => words.every((w) => textOf(e).includes(w));
    let count = 0, objects = 0;
    for (const app of apps) {
      const index = app.id.slice("app-".length), name = app.dataset.name.toLowerCase();
      const named = words.every((w) => name.includes(w));
      let shows = on.has(app.dataset.level) && (!only.value || only.value === index) && fits(app);
      if (shows) {
        let parts = 0;
        for (const e of all(".object, .finding", app)) {
          const ofKind = !kind.value || e.dataset.kind === kind.value;
          const ofLevel = !e.classList.contains("finding") || on.has(e.dataset.level);
          e.hidden = !(ofKind && ofLevel && (named || !words.length || fits(e)));
          if (!e.hidden) { parts++; if (e.classList.contains("object")) objects++; }
        }
        for (const e of all(".image", app)) e.hidden = Boolean(words.length && !named && !fits(e)) || Boolean(kind.value);
        for (const e of all(".group", app)) { const inside = all(".finding", e); if (inside.length) e.hidden = inside.every((f) => f.hidden); }
        for (const e of all("section.objects, section.images", app)) e.hidden = all(".object, .image, .group", e).every((x) => x.hidden);
        if (kind.value && !parts) shows = false;
      }
      app.hidden = !shows;
      entries.get(index).hidden = !shows;
      if (shows) count++;
    }
    const some = words.length || kind.value || only.value || on.size < levels.length;
    one("#clear").hidden = !some;
    one("#nothing").hidden = count > 0 || !apps.length;
    one("#shown").textContent = some ? `${count} of ${apps.length} applications, ${objects} objects` : "";
    if (only.value && count === 1) one("#app-" + only.value).open = true;
  };
  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, apps.length > 50 ? 120 : 0); });
  for (const e of [kind, only, ...levels]) e.addEventListener("change", filter);
  one("#tools").addEventListener("submit", (event) => event.preventDefault());
  const clear = () => {
    search.value = kind.value = only.value = "";
    for (const l of levels) l.checked = true;
    filter();
  };
  one("#clear").addEventListener("click", () => { clear(); search.focus(); });
  const fold = (open) => {
    for (const e of apps) if (!e.hidden) e.open = open;
    const inner = all(".app:not([hidden]) .object:not([hidden])");
    if (!open || inner.length <= 2000) for (const e of inner) e.open = open; // more would stop the browser
  };
  one("#unfold").addEventListener("click", () => fold(true));
  one("#fold").addEventListener("click", () => fold(false));

  // Links: #app=NAME opens an application, #q=TEXT looks for a text.
  const go = (app) => {
    app.open = true;
    app.scrollIntoView({ block: "start" });
    app.querySelector("summary").focus({ preventScroll: true });
  };
  const follow = () => {
    const hash = location.hash.slice(1);
    if (/^app-\d+$/.test(hash)) { const app = document.getElementById(hash); if (app) { app.hidden = false; go(app); } return; }
    const wanted = new URLSearchParams(hash);
    if (wanted.has("q")) { search.value = wanted.get("q"); filter(); }
    if (wanted.has("app")) {
      const app = apps.find((a) => a.dataset.name === wanted.get("app")) || apps.find((a) => a.dataset.name.endsWith("/" + wanted.get("app")));
      if (app) { if (app.hidden) clear(); go(app); }
    }
  };
  addEventListener("hashchange", follow);

  // Keys.
  const typing = (e) => e instanceof HTMLElement && (/^(INPUT|SELECT|TEXTAREA)$/.test(e.tagName) && e.type !== "checkbox");
  const step = (by) => {
    const shown = apps.filter((a) => !a.hidden);
    if (!shown.length) return;
    const at = shown.findIndex((a) => a.contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.min(Math.max(at + by, 0), shown.length - 1);
    const summary = shown[next].querySelector("summary");
    summary.focus({ preventScroll: true });
    shown[next].scrollIntoView({ block: "start" });
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && document.activeElement === search) { clear(); search.blur(); return; }
    if (typing(document.activeElement)) return;
    switch (event.key) {
      case "/": event.preventDefault(); search.focus(); search.select(); break;
      case "j": step(1); break;
      case "k": step(-1); break;
    }
  });

  // Digests are copied whole.
  addEventListener("click", async (event) => {
    const target = event.target.closest("[data-copy]");
    if (!target) return;
    try { await navigator.clipboard.writeText(target.dataset.copy); target.textContent = "copied"; } catch { target.textContent = target.dataset.copy; }
  });
  addEventListener("beforeprint", () => { for (const e of apps) if (!e.hidden) e.open = true; });

  filter();
  follow();
  addEventListener("load", follow, { once: true }); // the browser's own jump takes the focus
})();
