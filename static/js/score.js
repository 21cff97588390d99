// Scoring by keys: one item is the current one, its buttons answer to Y, N, A, or to the digit of their points, its mark to M, its remark
// to R; arrows go on (see keys.js). While an item in points is the current one, digits do not move the sound (see player.js).
// The place in the recording comes from the player, which keeps it on its panel.
const KEYS = { yes: "Y", no: "N", na: "A", 10: "X" };
const keyOf = (answer) => KEYS[answer] ?? answer;
let current = "";

const items = () => [...document.querySelectorAll("[data-item]")];
const itemNow = () => document.getElementById(current) ?? items()[0];

function show() {
  const now = itemNow();
  for (const item of items()) {
    const isNow = item === now;
    item.classList.toggle("is-now", isNow);
    for (const button of item.querySelectorAll("[data-answer]")) set(button, isNow && keyOf(button.dataset.answer));
    set(item.querySelector("[data-mark]"), isNow && "M");
    set(item.querySelector("[data-remark]"), isNow && "R");
  }
}

function set(element, key) {
  if (!element) return;
  if (key) { element.dataset.key = key; element.dataset.keyQuiet = ""; element.setAttribute("aria-keyshortcuts", key); return; }
  delete element.dataset.key;
  element.removeAttribute("aria-keyshortcuts");
}

function choose(item) {
  if (!item) return;
  current = item.id;
  show();
}

document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (step) {
    const all = items(), place = all.indexOf(itemNow()) + Number(step.dataset.step);
    choose(all[Math.min(Math.max(place, 0), all.length - 1)]);
    itemNow()?.scrollIntoView({ block: "nearest" });
    return;
  }
  choose(event.target.closest("[data-item]"));
  const mark = event.target.closest("[data-mark]");
  if (mark) heard(mark.closest("form"));
});
document.addEventListener("focusin", (event) => choose(event.target.closest("[data-item]")));

function heard(form) {
  const player = document.querySelector("[data-player]");
  if (!player?.dataset.from) return;
  form.elements.from_ms.value = player.dataset.from;
  form.elements.until_ms.value = player.dataset.until ?? "";
  player.dispatchEvent(new Event("player:forget-span"));
  form.requestSubmit();
}

// ---- keeping: a remark goes out when its row is left, and with whatever button of the row is pressed; the last ones before the whole is submitted

const SOON = 300, STEP = 50, LONGEST = 5000;
const dirty = new Set();
let busy = 0;

const keep = (form) => { if (dirty.has(form) && form.isConnected) window.htmx.trigger(form, "keep"); };

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-remark]")) dirty.add(event.target.form);
});
document.addEventListener("focusout", (event) => {
  const form = event.target.closest("[data-item]");
  if (!form || form.contains(event.relatedTarget)) return;
  if (event.relatedTarget) keep(form); else setTimeout(keep, SOON, form);
});
document.addEventListener("htmx:beforeRequest", (event) => { busy += 1; dirty.delete(event.target); });
document.addEventListener("htmx:afterRequest", (event) => {
  busy -= 1;
  if (!event.detail.xhr?.status && event.target.matches?.("[data-item]")) dirty.add(event.target);
});
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-submit]") || (!busy && !dirty.size)) return;
  event.preventDefault();
  dirty.forEach(keep);
  for (let waited = 0; (busy || dirty.size) && waited < LONGEST; waited += STEP) await new Promise((go) => { setTimeout(go, STEP); });
  form.submit();
});
addEventListener("beforeunload", (event) => { if ([...dirty].some((form) => form.isConnected)) event.preventDefault(); });

document.addEventListener("htmx:afterSettle", show);
show();
