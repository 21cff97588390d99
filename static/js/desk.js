// The desk: choosing a result, and results that are kept in the browser until the server has them. The script is in guide.js.
// What is shown comes from the server; this module never decides what comes next.
import * as guide from "./guide.js";

const desk = document.getElementById("desk");
const text = (name) => desk.dataset[`text${name}`] ?? "";
const STORE = `desk.results.${desk.dataset.user}`;
const AGAIN = 5000;

// ---------- what waits for the server

function waiting() {
  try { return JSON.parse(localStorage.getItem(STORE)) ?? []; } catch { return memory; }
}
let memory = [];
function keep(list) {
  memory = list;
  try { if (list.length) localStorage.setItem(STORE, JSON.stringify(list)); else localStorage.removeItem(STORE); } catch { /* private mode: this page only */ }
}
const put = (item) => keep([...waiting().filter((other) => other.key !== item.key), item]);
const drop = (key) => keep(waiting().filter((item) => item.key !== key));

function newKey() {
  return crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

function say(name, stale = false) {
  const place = document.getElementById("save-state");
  if (!place) return;
  place.textContent = text(name);
  place.classList.toggle("is-stale", stale);
}

// ---------- saving

let sending = false, again;

async function post(item) {
  const body = new URLSearchParams(item.fields);
  body.set("waited", String(Math.max(0, Math.round((Date.now() - item.saved) / 1000))));
  const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
  const answer = await fetch(desk.dataset.resultUrl, {
    method: "POST", body, credentials: "same-origin", redirect: "manual",
    headers: { "X-CSRFToken": token, "Idempotency-Key": item.key, "HX-Request": "true" },
  });
  if (answer.type === "opaqueredirect" || answer.status === 403) { location.reload(); throw new Error("signed out"); }
  if (answer.status >= 500 || answer.status === 408 || answer.status === 429) throw new Error(`answer ${answer.status}`);
  return answer;
}

// Oldest first, one at a time; a repeat carries the same key, so the server takes it once.
async function send() {
  clearTimeout(again);
  if (sending) return;
  sending = true;
  try {
    for (let item = waiting()[0]; item; item = waiting()[0]) {
      say("Saving");
      await settle(item, await post(item));
    }
    say("Saved");
    document.querySelector("[data-kept]")?.remove();
  } catch {
    say("Waits", true);
    notice(text("Kept"), "kept");
    again = setTimeout(send, AGAIN);
  } finally {
    sending = false;
  }
}

async function settle(item, answer) {
  drop(item.key);
  if (answer.ok) { show(await answer.text()); return; }
  const refused = await answer.json().catch(() => ({ detail: "" }));
  const form = document.getElementById("result-form");
  if (form?.dataset.lead === item.lead) fault(after(text("Refused"), refused.detail));
  else notice(`${after(text("Late"), refused.detail)}${item.words ? ` (${item.words})` : ""}`);
}

// A full-width colon brings its own space.
function after(opening, sentence) {
  return opening.endsWith("：") ? opening + sentence : `${opening} ${sentence}`;
}

function show(html) {
  // An answer to a question that the old picture asked has no place in the new one.
  for (const asker of desk.querySelectorAll(".htmx-request")) window.htmx.trigger(asker, "htmx:abort");
  window.htmx.swap("#desk", html, { swapStyle: "innerHTML" });
}

function fault(sentence) {
  const place = document.getElementById("result-fault");
  if (!place) { notice(sentence); return; }
  place.textContent = sentence;
  place.hidden = !sentence;
  place.scrollIntoView({ block: "nearest" });
  document.querySelectorAll("[data-save]").forEach((button) => { button.disabled = false; });
}

function notice(sentence, kind = "") {
  if (kind && document.querySelector("#desk-notices [data-kept]")) return;
  const box = document.createElement("div"), words = document.createElement("p");
  box.className = "notice is-warn";
  if (kind) box.dataset.kept = "";
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
  put({ key: newKey(), lead: form.dataset.lead, saved: Date.now(), fields, words: chosen.textContent.trim() });
  guide.handOver();
  send();
});
window.addEventListener("online", send);

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

function pickDay(button) {
  for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
  document.querySelectorAll("[data-slots]").forEach((slots) => { slots.hidden = slots.dataset.slots !== button.dataset.day; });
  if (button.dataset.day === "other") document.querySelector("[data-other]").focus();
}

// The price of the offer, else of the product, stands in the field as its placeholder: nothing is typed for the agent.
function pricing() {
  const form = document.getElementById("result-form"), { product, offer, amount } = form.elements;
  for (const option of offer?.options ?? []) option.hidden = Boolean(option.dataset.of) && option.dataset.of !== product.value;
  if (offer?.selectedOptions[0]?.hidden) offer.value = "";
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
  if (event.target.closest('[data-dialog="#skip-sheet"]')) {
    document.querySelector("[data-skip] [name=lead]").value = document.getElementById("result-form")?.dataset.lead ?? "";
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-other]")) document.getElementById("result-form").elements.callback_at.value = event.target.value;
  if (event.target.matches("#order-product, #order-offer")) pricing();
});

// ---------- after each swap

// The keys were swapped while a result was chosen: choose it again if it is still valid, else what the network has told.
function reconcile() {
  const form = document.getElementById("result-form"), keys = document.getElementById("result-keys");
  if (!form || !keys) return;
  const wanted = form.elements.disposition.value || keys.dataset.suggested;
  const button = [...keys.querySelectorAll("[data-result]")].find((key) => key.dataset.result === wanted);
  if (!button) { choose(null); return; }
  // what was refused is still to be mended, though the call has ended meanwhile
  if (button.getAttribute("aria-pressed") !== "true") choose(button, { keepsFault: true });
}

function settled() {
  const list = waiting();
  if (list.length || guide.hasWaiting()) say("Waits", true); else say("Saved");
  reconcile();
  guide.settled();
}
guide.listen({
  state: (name, stale) => { if (!waiting().length) say(name, stale); },
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
  if (!poll || asked.lead !== poll.dataset.lead || asked.phase !== poll.dataset.phase) event.detail.shouldSwap = false;
});
// A closed dialog must not hold a stale customer.
document.addEventListener("htmx:afterRequest", (event) => {
  const sheet = event.detail.elt?.closest?.("dialog.sheet");
  if (sheet && event.detail.successful) { sheet.close(); sheet.querySelector("form[data-skip]")?.reset(); }
});

settled();
if (waiting().length) send();
