/* Keys, life signs and focus. Every page works without this file; no state is kept here. */
"use strict";
(() => {
  const STREAM_EVENTS = ["beat", "status", "card", "entry", "print", "task", "refetch"];
  const SILENCE_MS = 5000;
  const PROBE_MS = 2000;
  const root = document.documentElement;
  const fields = "input:not([type=checkbox]):not([type=radio]), textarea, select";

  const inField = (at) => at instanceof Element && at.matches(fields);
  const idle = () => !document.activeElement || ["body", "main"].includes(document.activeElement.localName);
  const visible = (one) => one.getClientRects().length > 0 && !one.disabled;
  const find = (selector) => [...document.querySelectorAll(selector)].find(visible);

  /* -- keys ------------------------------------------------------------------------------------- */

  const act = (target) => (target.matches(fields) ? (target.focus(), target.select?.()) : target.click());

  const openSheet = () => {
    const sheet = document.getElementById("sheet");
    const list = document.getElementById("sheet-keys");
    if (!sheet || sheet.open) return;
    list.replaceChildren(
      ...[...document.querySelectorAll("[data-key]")].filter(visible).map((one) => {
        const line = document.createElement("div");
        const name = document.createElement("kbd");
        const words = document.createElement("span");
        name.textContent = one.dataset.key === "Escape" ? "Esc" : one.dataset.key;
        words.textContent = one.dataset.words || [...one.childNodes].filter((n) => n.nodeName !== "KBD").map((n) => n.textContent).join("").trim();
        line.append(name, words);
        return line;
      }),
    );
    sheet.showModal();
  };

  const onKey = (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return;
    if (document.querySelector("dialog[open]")) return;
    const typing = inField(event.target);
    if (event.key === "?" && !typing) return event.preventDefault(), openSheet();
    if (event.key === "Escape" && typing && event.target.value !== event.target.defaultValue) return event.target.blur();
    if (event.key === "Enter" && idle()) {
      const primary = find("[data-primary]");
      return primary && (event.preventDefault(), primary.click());
    }
    if (event.key.length === 1 && (typing || event.repeat)) return;
    const target = find(`[data-key="${CSS.escape(event.key)}"]`);
    if (target) event.preventDefault(), act(target);
  };
  document.addEventListener("keydown", onKey);

  /* -- one submit is one act -------------------------------------------------------------------- */

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog") return;
    if (root.dataset.lost !== undefined || form.dataset.sent !== undefined) return event.preventDefault();
    form.dataset.sent = "";
    event.submitter?.setAttribute("aria-disabled", "true");
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  /* -- life signs: no event for five seconds greys the page and stops every submit --------------- */

  let heard = performance.now();
  const dirty = () => [...document.querySelectorAll(fields)].some((one) => one.value !== one.defaultValue);
  const submits = () => document.querySelectorAll("main button, main input[type=submit]");

  const lose = () => {
    root.dataset.lost = "";
    document.getElementById("lost").hidden = false;
    submits().forEach((one) => (one.disabled ? (one.dataset.was = "off") : (one.disabled = true)));
  };
  const find_again = () => {
    delete root.dataset.lost;
    document.getElementById("lost").hidden = true;
    submits().forEach((one) => (one.dataset.was ? delete one.dataset.was : (one.disabled = false)));
    if (dirty()) document.body.dispatchEvent(new CustomEvent("yizhan:refetch"));
    else location.reload();
  };
  const hear = () => {
    heard = performance.now();
    root.dataset.live = "";
    if (root.dataset.lost !== undefined) find_again();
  };
  const onCard = () => {
    const next = idle() && find("[data-card-focus]");
    if (next) next.focus();
  };

  if (window.htmx) {
    htmx.createEventSource = (url) => {
      const stream = new EventSource(url, { withCredentials: true });
      stream.addEventListener("open", hear);
      STREAM_EVENTS.forEach((name) => stream.addEventListener(name, hear));
      stream.addEventListener("card", onCard);
      stream.addEventListener("refetch", () => document.body.dispatchEvent(new CustomEvent("yizhan:refetch")));
      return stream;
    };
  }
  if (document.body.hasAttribute("data-live")) {
    setInterval(() => performance.now() - heard > SILENCE_MS && root.dataset.lost === undefined && lose(), 500);
    setInterval(async () => {
      if (root.dataset.lost === undefined || dirty()) return;
      const reply = await fetch("/livez", { cache: "no-store" }).catch(() => null);
      if (reply?.ok) location.reload();
    }, PROBE_MS);
  }

  /* -- focus ------------------------------------------------------------------------------------ */

  document.querySelector("[data-errors]")?.focus();

  /* A field kept across a swap (hx-preserve) keeps the focus, too, where the browser cannot move a node whole. */
  let held = null;
  document.addEventListener("htmx:beforeSwap", () => (held = document.activeElement));
  document.addEventListener("htmx:afterSwap", () => held?.isConnected && held !== document.activeElement && held.focus());
})();
