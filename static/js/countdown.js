// The time to read a customer and the after-call limit, counted down calmly. What the server says is left when a part of the desk is drawn
// holds; the browser's own clock is not asked. At the end of reading the desk dials, unless the agent is about to skip or to leave, mends an earlier result, or the
// page is not in sight: nobody is called while nobody is there.
const ends = new WeakMap();

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const away = () => document.hidden || document.querySelector("dialog[open], .modal.show") || document.activeElement?.closest("#desk-refused");

function tick(element) {
  if (!ends.has(element)) ends.set(element, performance.now() + Number(element.dataset.left) * 1000);
  const left = Math.ceil((ends.get(element) - performance.now()) / 1000);
  const text = left > 0 ? `${element.dataset.text} ${clock(left)}` : element.dataset.over;
  if (element.textContent !== text) element.textContent = text;
  element.classList.toggle("is-over", left <= 0);
  if (left > 0 || !("dials" in element.dataset) || away()) return;
  const dial = document.querySelector("[data-dial]");
  if (!dial || dial.disabled) return;
  delete element.dataset.dials;  // once
  dial.click();
}

const all = () => document.querySelectorAll("[data-countdown]").forEach(tick);
setInterval(all, 500);
document.addEventListener("htmx:load", all);
all();
