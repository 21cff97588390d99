// The editor of a draft. Requests go one after the other (hx-sync on the page), so that a step is kept before its neighbours are drawn anew.
// What is typed meanwhile is not lost: it waits in `pending` by the id of its field, and is put back and sent after the drawing; so does, in
// `before`, the stamp of what the writer had in sight when they began, for the server to tell whether somebody else wrote there meanwhile.
const work = document.getElementById("script-work");
const editor = () => document.getElementById("editor");
const state = () => document.getElementById("save-state");
const pending = new Map(), before = new Map();
const AGAIN = 5000, LONGEST = 4000, STEP = 50;
let lastText = null, again = 0;

function say(text, mark) {
  const place = state();
  if (!place) return;
  place.textContent = text;
  place.classList.toggle("is-waiting", mark === "waiting");
  place.classList.toggle("is-bad", mark === "bad");
}

const valueOf = (field) => (field.type === "checkbox" ? String(field.checked) : field.value);
const formOf = (id) => document.getElementById(id)?.closest("form[data-kept]");
const keep = (form) => window.htmx.trigger(form, "change");

function focusOn(id) {
  const field = document.getElementById(id);
  if (!field) return;
  field.focus();
  field.closest(".step-card")?.scrollIntoView({ block: "nearest" });
}

// ---- keeping

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-kept]");
  if (!form) return;
  pending.set(event.target.id || form, valueOf(event.target));
  const seen = form.querySelector("[name=seen]");
  if (seen && !before.has(seen.id)) before.set(seen.id, seen.value);
  if (event.target.name === "kind") form.dataset.kind = event.target.value;
  say(work.dataset.unsaved, "waiting");
});

document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target.closest("form[data-kept]");
  if (form !== event.target) return;
  form.sent = new Map([...pending].filter(([id]) => id === form || formOf(id) === form));
  say(work.dataset.saving, "waiting");
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target;
  if (!form.matches?.("form[data-kept]")) return;
  if (event.detail.successful) {
    for (const [id, value] of form.sent ?? []) if (pending.get(id) === value) pending.delete(id);
    const seen = form.querySelector("[name=seen]");
    if (seen && dirty().includes(form)) before.set(seen.id, seen.value); else before.delete(seen?.id);
  } else if (event.detail.failed && !event.detail.xhr?.status) {
    say(work.dataset.failed, "bad");
    clearTimeout(again);
    again = setTimeout(() => { if (document.body.contains(form)) keep(form); }, AGAIN);
  }
});

// Steps drawn anew know nothing of what was typed while they were on their way.
document.addEventListener("htmx:afterSettle", (event) => {
  if (!/^(editor$|more-)/.test(event.detail.target?.id ?? "")) return;
  for (const [id, value] of pending) {
    if (typeof id !== "string") { if (!document.body.contains(id)) pending.delete(id); continue; }
    const field = document.getElementById(id);
    if (!field) { pending.delete(id); continue; }
    if (field.type === "checkbox") field.checked = value === "true"; else if (field.value !== value) field.value = value;
    const seen = field.closest("form")?.querySelector("[name=seen]");
    if (before.has(seen?.id)) seen.value = before.get(seen.id);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
});

addEventListener("beforeunload", (event) => { if (pending.size) event.preventDefault(); });

// Who leaves the page takes nothing half-written along: what is still in a field goes out first.
const dirty = () => [...document.querySelectorAll("form[data-kept]")].filter((form) => [...pending.keys()].some((id) => id === form || formOf(id) === form));

async function flush() {
  dirty().forEach(keep);
  for (let waited = 0; pending.size && waited < LONGEST; waited += STEP) await new Promise((go) => { setTimeout(go, STEP); });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]:not([href^='#'])");
  if (!link || !pending.size || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  flush().then(() => location.assign(link.href));
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("[hx-post]") || !pending.size) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  flush().then(() => { if (!pending.size) event.target.requestSubmit(); });
}, true);

document.addEventListener("script-drawn", (event) => focusOn(event.detail.focus));
document.addEventListener("script-changed", (event) => {
  window.htmx.ajax("GET", work.dataset.steps, { target: "#editor", swap: "outerHTML" }).then(() => focusOn(event.detail.focus));
});

// ---- answers of a question

function answersChanged(form) {
  pending.set(form, String(Date.now()));
  keep(form);
}

document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-answer-add]"), off = event.target.closest("[data-answer-off]");
  if (add) {
    const form = add.closest("form"), list = form.querySelector(".answers");
    list.append(form.querySelector("template").content.cloneNode(true));
    const row = list.lastElementChild, name = form.querySelector("[name=text]").id.replace(/-text$/, "");
    row.querySelector("input").id = `${name}-answer-${list.children.length}`;
    row.querySelector("select").id = `${name}-target-${list.children.length}`;
    row.querySelector("input").focus();
  }
  if (off) {
    const form = off.closest("form"), row = off.closest("li"), near = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (near?.querySelector("input") ?? form.querySelector("[data-answer-add]")).focus();
    answersChanged(form);
  }
});

// Enter in the last answer asks for another one.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches(".answers input")) return;
  event.preventDefault();
  const row = event.target.closest("li");
  if (row.nextElementSibling) row.nextElementSibling.querySelector("input").focus();
  else if (event.target.value) row.closest("form").querySelector("[data-answer-add]").click();
});

// ---- merge fields

document.addEventListener("focusin", (event) => { if (event.target.matches(".step-form textarea[name=text]")) lastText = event.target.id; });
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  const field = button && (document.getElementById(lastText) ?? document.querySelector(".step-form textarea[name=text]"));
  if (!field) return;
  field.focus();
  field.setRangeText(button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

// ---- order: Alt and the arrows, or dragging by the handle

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const card = event.target.closest(".question") ?? event.target.closest(".step-card");
  if (!card) return;
  event.preventDefault();
  const form = event.target.closest("form[data-kept]");
  if (form && pending.size) keep(form);
  card.querySelector(event.key === "ArrowUp" ? "[data-up]" : "[data-down]").click();
});

let dragged = null;
const unmark = () => document.querySelectorAll(".is-before, .is-target").forEach((one) => one.classList.remove("is-before", "is-target"));

const isQuestion = () => dragged.matches(".question");

// Where what is dragged may go: a step into any part, a question anywhere in its step.
function zoneAt(target) {
  if (!isQuestion()) return target.closest?.(".script-part");
  const more = dragged.closest(".step-more");
  return more?.contains(target) ? more : null;
}

const othersIn = (zone) => [...zone.querySelectorAll(isQuestion() ? ":scope > .question" : ".step-card")].filter((card) => card !== dragged);

// The card before which a drop would put what is dragged; null for the end of its zone.
function below(zone, y) {
  return othersIn(zone).find((card) => {
    const box = card.getBoundingClientRect();
    return y < box.top + box.height / 2;
  }) ?? null;
}

document.addEventListener("dragstart", (event) => {
  if (!event.target.matches?.(".step-handle, .question-handle")) return;
  dragged = event.target.closest(".question") ?? event.target.closest(".step-card");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.move);
  event.dataTransfer.setDragImage(dragged, 12, 12);
  dragged.classList.add("is-dragged");
});
document.addEventListener("dragover", (event) => {
  const zone = dragged && zoneAt(event.target);
  if (!zone) return;
  event.preventDefault();
  unmark();
  (below(zone, event.clientY) ?? zone).classList.add(below(zone, event.clientY) ? "is-before" : "is-target");
});
document.addEventListener("drop", (event) => {
  const zone = dragged && zoneAt(event.target);
  if (!zone) return;
  event.preventDefault();
  const others = othersIn(zone), before = below(zone, event.clientY);
  const values = { place: before ? others.indexOf(before) : others.length };
  if (!isQuestion()) values.part = zone.dataset.part;
  // the handle asks, not the form of the question: it is moved, not kept
  window.htmx.ajax("POST", dragged.dataset.move, {
    source: dragged.querySelector("[draggable]"), target: isQuestion() ? `#${zone.id}` : "#editor", swap: "outerHTML", values,
  });
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("is-dragged");
  dragged = null;
  unmark();
});
