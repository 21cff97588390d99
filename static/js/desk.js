// The desk: choosing a result, and its form, which is kept in the browser until the server has it. What waits for the server is in outbox.js,
// the script in guide.js. What is shown comes from the server; this module never decides what comes next.
import * as guide from "./guide.js";
import * as outbox from "./outbox.js";

const desk = document.getElementById("desk");
const text = (name) => desk.dataset[`text${name}`] ?? "";
const resultForm = () => document.getElementById("result-form");

function say(name, stale = false) {
  const place = document.getElementById("save-state");
  if (!place) return;
  place.textContent = text(name);
  place.classList.toggle("is-stale", stale);
}

// ---------- what was saved

// Whether the desk shows the hold of this result (results that an older page left behind name their lead alone).
function shows(item) {
  const form = resultForm();
  return Boolean(form) && (item.hold ? form.dataset.hold === item.hold : form.dataset.lead === item.lead);
}

outbox.listen({
  state: say,
  notice: (sentence, kind) => notice(sentence, kind),
  shown: shows,
  fault: (item, sentence) => { guide.takeBack(); fault(sentence); },
  done: (item) => drafts.drop(item.hold),
  // Of another customer than the one in sight the answer says nothing: the desk asks what it is to show.
  show: (item, html, swapStyle) => { if (shows(item) || !resultForm()) show(html, swapStyle); else window.htmx?.trigger("#desk-live", "poll"); },
});

function show(html, swapStyle) {
  // An answer to a question that the old picture asked has no place in the new one.
  for (const asker of desk.querySelectorAll(".htmx-request")) window.htmx.trigger(asker, "htmx:abort");
  window.htmx.swap("#desk", html, { swapStyle });
}

// While the next customer is on the way, nothing is asked of the last one.
const nextComes = () => desk.querySelector(":scope > [data-next]");
document.addEventListener("htmx:beforeRequest", (event) => {
  const asks = desk.contains(event.target) || event.target.id === "desk-live";
  if (asks && !event.target.matches("[data-next]") && nextComes()) event.preventDefault();
});

function fault(sentence) {
  const place = document.getElementById("result-fault");
  if (!place) { notice(sentence); return; }
  place.textContent = sentence;
  place.hidden = !sentence;
  place.scrollIntoView({ block: "nearest" });
  document.querySelectorAll("[data-save]").forEach((button) => { button.disabled = false; });
}

function notice(sentence, kind = "") {
  if (kind && document.querySelector(`#desk-notices [data-${kind}]`)) return;
  const box = document.createElement("div"), words = document.createElement("p");
  box.className = "notice is-warn";
  if (kind) box.dataset[kind] = "";
  words.textContent = sentence;
  box.append(words);
  document.getElementById("desk-notices")?.replaceChildren(box);
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "result-form") return;
  event.preventDefault();
  const form = event.target, chosen = pressed();
  if (!chosen) { fault(""); document.querySelector("#result-keys button")?.focus(); return; }
  const fields = [...new FormData(form)].filter(([name, value]) => value !== "" && name !== "");
  if (chosen.dataset.needs === "order") fields.push(["is_sale", "on"]);
  if (guide.told()) fields.push(["notes", guide.told()]);
  form.querySelectorAll("[data-save]").forEach((button) => { button.disabled = true; });
  const who = document.querySelector(".person .number")?.textContent.trim() ?? "";
  if (outbox.add({ lead: form.dataset.lead, hold: form.dataset.hold, fields, words: chosen.querySelector("span")?.textContent.trim() ?? "", who })) guide.handOver();
  outbox.send();
});

// ---------- the form as it was typed, of this hold alone: a reload or a swap loses no word of it

const drafts = outbox.store(`desk.form.${desk.dataset.user}`);
const FREE = "other-time";
const written = (form) => [...form.elements].filter((input) => (input.name && input.name !== "lead") || input.id === FREE);

function keepDraft() {
  const form = resultForm();
  if (!form?.dataset.restored) return;
  drafts.write([{ key: form.dataset.hold, saved: Date.now(), fields: written(form).map((input) => [input.name || input.id, input.value]) }]);
}

function restoreDraft() {
  const form = resultForm(), kept = drafts.read().find((item) => item.key === form?.dataset.hold);
  if (!kept && drafts.read().length) drafts.write([]);  // of another customer nothing stays
  if (!form || form.dataset.restored) return;
  form.dataset.restored = "1";
  const told = new Map(kept?.fields ?? []);
  for (const input of written(form)) {
    const value = told.get(input.name || input.id);
    if (value === undefined || (input.options && ![...input.options].some((option) => option.value === value))) continue;
    input.value = value;
  }
}

// The time that was picked is marked among the half hours, else it stands in the field for other times.
function markTime() {
  const form = resultForm(), at = form?.elements.callback_at.value;
  if (!at || document.querySelector(".slot[aria-pressed=true]")) return;
  const slot = [...document.querySelectorAll(".slot:enabled")].find((other) => other.dataset.at === at);
  const day = document.querySelector(`[data-day="${slot ? slot.parentElement.dataset.slots : "other"}"]`);
  if (day) showDay(day);
  if (slot) pickSlot(slot);
}

document.addEventListener("input", (event) => { if (event.target.form?.id === "result-form") keepDraft(); });

// ---------- choosing a result

const pressed = () => document.querySelector("#result-keys [aria-pressed=true]");

function choose(button, { keepsFault = false } = {}) {
  const form = document.getElementById("result-form");
  document.querySelectorAll("#result-keys [data-result]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  form.elements.disposition.value = button?.dataset.result ?? "";
  const needs = button?.dataset.needs ?? "", may = button?.dataset.may ?? "";
  form.querySelector("[data-detail]").hidden = !button;
  for (const field of form.querySelectorAll("[data-for]")) {
    field.hidden = field.dataset.for !== needs && field.dataset.for !== may;
    // what is hidden is not sent
    field.querySelector(".label, label")?.classList.toggle("req", field.dataset.for === needs);
    field.querySelectorAll("input, select").forEach((input) => { input.disabled = field.hidden; });
  }
  if (needs !== "callback" && may !== "callback") pickSlot(null);
  if (needs === "order") pricing();
  if (needs === "step") form.elements.step.value ||= guide.step() ?? "";
  if (!keepsFault) fault("");
  if (button) form.querySelector("[data-detail]").scrollIntoView({ block: "nearest" });
}

// What the result cannot be saved without stands under the hand at once, not a dozen tabs away.
function toFirstDetail(result) {
  if (result.getAttribute("aria-pressed") !== "true") return;
  if (result.dataset.needs === "callback") document.querySelector("[data-slots]:not([hidden]) :is(.slot:enabled, [data-other])")?.focus({ preventScroll: true });
  if (result.dataset.needs === "reason") document.getElementById("result-reason").focus({ preventScroll: true });
}

function pickSlot(button) {
  document.querySelectorAll(".slot").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  document.getElementById("result-form").elements.callback_at.value = button?.dataset.at ?? "";
}

function showDay(button) {
  for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
  document.querySelectorAll("[data-slots]").forEach((slots) => { slots.hidden = slots.dataset.slots !== button.dataset.day; });
}

function pickDay(button) {
  showDay(button);
  if (button.dataset.day === "other") document.querySelector("[data-other]").focus();
}

// The price of the offer, else of the product, stands in the field as its placeholder: nothing is typed for the agent.
function pricing() {
  const form = document.getElementById("result-form"), { product, offer, amount } = form.elements;
  for (const option of offer?.options ?? []) option.hidden = Boolean(option.dataset.of) && option.dataset.of !== product.value;
  if (offer?.selectedOptions[0]?.hidden) offer.value = "none";
  const cents = offer?.selectedOptions[0]?.dataset.price || product.selectedOptions[0]?.dataset.price;
  if (cents) amount.placeholder = (Number(cents) / 100).toFixed(2);
  for (const point of form.querySelectorAll("li[data-of]")) point.hidden = point.dataset.of !== product.value;
}

document.addEventListener("click", (event) => {
  const result = event.target.closest("[data-result]");
  if (result) {
    choose(result.getAttribute("aria-pressed") === "true" ? null : result);
    toFirstDetail(result);
  }
  const slot = event.target.closest(".slot");
  if (slot) pickSlot(slot);
  const day = event.target.closest("[data-day]");
  if (day) pickDay(day);
  if (result || slot) keepDraft();
  if (event.target.closest('[data-dialog="#skip-sheet"]')) {
    document.querySelector("[data-skip] [name=lead]").value = document.getElementById("result-form")?.dataset.lead ?? "";
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-other]")) document.getElementById("result-form").elements.callback_at.value = event.target.value;
  if (event.target.matches("#order-product, #order-offer")) pricing();
  if (event.target.form?.id === "result-form") keepDraft();
});

// ---------- after each swap

// The keys were swapped while a result was chosen: choose it again if it is still valid, else what the network has told.
function reconcile() {
  const form = resultForm(), keys = document.getElementById("result-keys");
  if (!form || !keys) return;
  const wanted = form.elements.disposition.value || keys.dataset.suggested;
  const button = [...keys.querySelectorAll("[data-result]")].find((key) => key.dataset.result === wanted);
  if (!button) { choose(null); return; }
  // what was refused is still to be mended, though the call has ended meanwhile
  if (button.getAttribute("aria-pressed") !== "true") choose(button, { keepsFault: true });
}

function settled() {
  if (outbox.hasWaiting() || guide.hasWaiting()) say("Waits", true); else say("Saved");
  restoreDraft();
  reconcile();
  markTime();
  outbox.list();
  guide.settled();
}
guide.listen({
  state: (name, stale) => { if (!outbox.hasWaiting()) say(name, stale); },
  notice: (sentence) => notice(sentence),
  gone: () => window.htmx?.trigger("#desk-live", "poll"),
});

document.addEventListener("htmx:afterSettle", (event) => { if (event.target.closest?.("#desk, body")) settled(); });
document.addEventListener("htmx:oobAfterSwap", settled);
// The desk asks every second while a call goes on, else every five, what changed.
let seconds = 0;
setInterval(() => {
  const poll = document.getElementById("desk-poll");
  seconds += 1;
  if (!poll || document.hidden && seconds % 20) return;
  if (["ringing", "talking"].includes(poll.dataset.phase) || seconds % 5 === 0) window.htmx?.trigger("#desk-live", "poll");
}, 1000);

// An answer to a question of the desk as it was before a swap comes too late to mean anything.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.elt.id !== "desk-live") return;
  const poll = document.getElementById("desk-poll"), asked = event.detail.requestConfig.parameters;
  if (!poll || nextComes() || outbox.isSaving(asked.lead) || asked.lead !== poll.dataset.lead || asked.phase !== poll.dataset.phase) event.detail.shouldSwap = false;
});
// A closed dialog must not hold a stale customer. One that [data-stays] shows the answer itself.
document.addEventListener("htmx:afterRequest", (event) => {
  const sheet = event.detail.elt?.closest?.("dialog.sheet");
  if (sheet && !sheet.matches("[data-stays]") && event.detail.successful) {
    sheet.close();
    if (!event.detail.xhr.getResponseHeader("X-Refused")) sheet.querySelector("form[data-skip]")?.reset();  // a refused reason need not be typed anew
  }
});

settled();
if (outbox.hasWaiting()) outbox.send();
