// Live panels: every [data-live] asks anew each few seconds (data-live-every on the page's freshness line, 5 by default).
// Whatever holds the focus or the pointer's press is not swapped; P holds the picture still; a hidden tab does not ask.
const texts = () => document.getElementById("texts")?.dataset ?? {};
const line = () => document.querySelector("[data-live-line]");
const hold = () => document.querySelector("[data-live-hold]");
// htmx hands its events to the parent when the panel itself is gone: the asker stands in the request's own record
const asker = (event) => event.detail.requestConfig?.elt ?? event.detail.elt;
const clock = (date) => date.toLocaleTimeString("en-GB", { timeZone: line()?.dataset.zone || undefined });
const fill = (text, value) => (text ?? "").replace("%s", value);

let held = false;
let fresh = Date.now();
let failing = false;

const busy = (panel) => panel.contains(document.activeElement) && document.activeElement !== document.body && panel !== document.activeElement;

function say() {
  const place = line(), t = texts();
  if (!place) return;
  const age = Math.max(0, Math.round((Date.now() - fresh) / 1000));
  const stale = failing || age > 30;
  place.classList.toggle("is-stale", held || stale);
  const text = held ? fill(t.held, clock(new Date(fresh))) : stale ? fill(t.stale, clock(new Date(fresh))) : fill(t.live, age);
  if (place.textContent !== text) place.textContent = text;
}

function ask() {
  if (held || document.hidden || !window.htmx) return;
  for (const panel of document.querySelectorAll("[data-live]")) {
    if (!busy(panel) && !panel.classList.contains("htmx-request")) window.htmx.trigger(panel, "live");
  }
}

function toggle(wanted = !held) {
  held = wanted;
  const button = hold();
  if (button) {
    button.setAttribute("aria-pressed", String(held));
    const words = button.querySelector("[data-live-hold-text]");
    if (words) words.textContent = held ? texts().goOn : texts().hold;
  }
  if (!held) ask();
  say();
}

// A panel keeps its place of reading when it is swapped.
const scrolls = new Map();
const remember = (root) => root.querySelectorAll("[id]").forEach((element) => {
  if (element.scrollTop || element.scrollLeft) scrolls.set(element.id, [element.scrollTop, element.scrollLeft]);
});
const restore = (root) => root.querySelectorAll("[id]").forEach((element) => {
  const place = scrolls.get(element.id);
  if (place) { [element.scrollTop, element.scrollLeft] = place; scrolls.delete(element.id); }
});

function guard(event) {
  const panel = event.detail.target?.closest?.("[data-live]");
  if (!panel) return;
  if (held || busy(panel)) event.detail.shouldSwap = false;
  else remember(panel);
}

document.addEventListener("htmx:beforeSwap", guard);
document.addEventListener("htmx:oobBeforeSwap", guard);
document.addEventListener("htmx:load", (event) => { if (event.target.closest?.("[data-live]")) restore(event.target); });
document.addEventListener("htmx:afterRequest", (event) => {
  if (!asker(event)?.closest?.("[data-live]")) return;
  failing = !event.detail.successful;
  if (!failing) fresh = Date.now();
  say();
});
document.addEventListener("click", (event) => { if (event.target.closest("[data-live-hold]")) toggle(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });

// Durations of states run on between two answers: <time data-since="epoch seconds of the server's clock, already corrected by data-now">.
const skew = Number(document.querySelector("[data-server-now]")?.dataset.serverNow ?? Date.now() / 1000) - Date.now() / 1000;
const two = (n) => String(n).padStart(2, "0");
function length(seconds) {
  const s = Math.max(0, Math.floor(seconds)), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}
function tick() {
  if (!held) {
    const now = Date.now() / 1000 + skew;
    for (const time of document.querySelectorAll("time[data-since]")) time.textContent = length(now - Number(time.dataset.since));
  }
  say();
}

setInterval(tick, 1000);
tick();
const every = Number(line()?.dataset.liveEvery ?? 5) * 1000;
setInterval(ask, every);
