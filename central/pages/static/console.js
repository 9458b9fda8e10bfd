/* J and K walk through the rows; Enter follows the one in focus by itself. Every page works without this file. */
"use strict";
(() => {
  const typing = (at) => at instanceof Element && at.matches("input, textarea, select");
  const rows = () => [...document.querySelectorAll("[data-row]")].filter((one) => one.getClientRects().length > 0);

  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const here = all.indexOf(document.activeElement);
    const chosen = all.findIndex((one) => one.closest("[aria-current]"));
    const from = here >= 0 ? here : chosen;
    const next = from < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, from + by));
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "j" || event.key === "J") event.preventDefault(), step(1);
    if (event.key === "k" || event.key === "K") event.preventDefault(), step(-1);
  });
})();
