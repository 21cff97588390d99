// The middle of the desk: the step that is spoken, answers and where they lead, ticks, answers to objections, scenarios. What is noted is
// kept in this browser until the server has it; of two windows the one that is ahead wins (the server says so), and the other follows it.
const desk = document.getElementById("desk");
const STORE = `desk.notes.${desk.dataset.user}`;
const END = "0", AGAIN = 5000, TYPING = 600, SOON = 150, PATIENCE = 15_000;
const NUMBER = /^[+-]?(\d+|\d{1,3}(,\d{3})+)([.]\d+)?$/;
const WRITER = [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
const FREE = [..."123456789AEGHJLOQRUVY"];

const guide = () => document.getElementById("guide");
const steps = () => [...document.querySelectorAll("#guide .say[data-step]")];
const shownStep = () => steps().find((step) => !step.hidden);
let notes = null, hooks = { state() {}, notice() {}, gone() {} };

// ---------- what is noted

function blank(place) {
  const first = steps()[0]?.dataset.step;
  return { hold: place.dataset.hold, lead: place.dataset.lead, script: Number(place.dataset.script) || null, version: 0, writer: WRITER, answers: {},
    path: first && first !== END ? [[Number(first), Date.now()]] : [], said: [], shown: {}, scenarios: {} };
}

// The server tells seconds ago, so that nobody's clock matters.
function fromServer(place, told) {
  const path = (told.path ?? []).map(([step, ago, back]) => [step, Date.now() - ago * 1000, ...(back ? [1] : [])]);
  return { ...blank(place), ...told, path: path.length ? path : blank(place).path };
}

function toServer() {
  const { version, writer, script, answers, said, shown, scenarios } = notes;
  const path = notes.path.map(([step, at, back]) => [step, Math.max(0, Math.round((Date.now() - at) / 1000)), ...(back ? [1] : [])]);
  return { version, writer, script, answers, said, shown, scenarios, path };
}

function waiting() {
  try { return (JSON.parse(localStorage.getItem(STORE)) ?? [])[0]?.notes ?? null; } catch { return null; }
}
function keep() {
  try { localStorage.setItem(STORE, JSON.stringify([{ saved: Date.now(), notes }])); } catch { /* private mode: this page only */ }
}
function forget() {
  try { localStorage.removeItem(STORE); } catch { /* nothing kept */ }
}

// ---------- sending

let timer, sending = false;

function change(deed, { wait = SOON } = {}) {
  if (!notes) return;
  deed(notes);
  notes.version += 1;
  notes.writer = WRITER;
  keep();
  paint();
  hooks.state("Saving");
  clearTimeout(timer);
  timer = setTimeout(send, wait);
}

async function send() {
  clearTimeout(timer);
  if (!notes || sending) return;
  sending = true;
  const { hold, version } = notes;
  let answer = null;
  try {
    const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
    answer = await fetch(desk.dataset.notesUrl, {
      method: "POST", credentials: "same-origin", redirect: "manual", signal: AbortSignal.timeout(PATIENCE), headers: { "X-CSRFToken": token, "Content-Type": "application/json" },
      body: JSON.stringify({ lead: Number(notes.lead), notes: toServer() }),
    });
  } catch { /* no connection, or no answer in time */ }
  sending = false;
  if (notes?.hold !== hold) {  // another customer meanwhile, whose notes had to wait for this answer
    if (notes && waiting()?.hold === notes.hold) timer = setTimeout(send, SOON);
    return;
  }
  if (answer?.ok) {
    if (notes.version !== version) { timer = setTimeout(send, SOON); return; }
    forget();
    hooks.state("Saved");
  } else if (answer?.status === 422) {
    // not kept, and no better for being sent again as it is: it stays here, and the next change is sent with it
    hooks.state("NotKept", true);
    hooks.notice((await answer.json().catch(() => ({}))).detail ?? "");
  } else if (answer?.status === 409) {
    await refused(answer);
  } else {
    hooks.state("Waits", true);
    timer = setTimeout(send, AGAIN);
  }
}

async function refused(answer) {
  const told = await answer.json().catch(() => ({}));
  forget();
  if (told.code !== "NotesBehind") { hooks.gone(); return; }
  notes = fromServer(guide(), told.notes);
  paint();
  hooks.state("Saved");
  hooks.notice(told.detail);
}

// Another window of this browser noted more.
window.addEventListener("storage", (event) => {
  if (event.key !== STORE || !event.newValue || !notes) return;
  const other = waiting();
  if (other?.hold === notes.hold && other.version > notes.version) { clearTimeout(timer); notes = other; paint(); }
});
window.addEventListener("online", () => { if (waiting()) send(); });

// ---------- walking

// What was walked and not gone back: the way that "Back" returns along.
function way() {
  const found = [];
  for (const [step, , back] of notes.path) {
    if (back && found.length) found.pop();
    if (found.at(-1) !== step) found.push(step);
  }
  return found;
}

function goTo(step) {
  if (step === undefined || !notes || way().at(-1) === Number(step)) return;
  change((now) => now.path.push([Number(step), Date.now()]));
}

function goBack() {
  const walked = way();
  if (walked.length < 2) return;
  change((now) => now.path.push([walked.at(-2), Date.now(), 1]));
}

// Where the answers that were given lead (the first that leads somewhere, in the order of the page), else the next step, else the end.
function goOn() {
  const step = shownStep(), all = steps();
  const given = step?.querySelectorAll(".branch[aria-pressed=true], [data-question] input[data-to]:checked") ?? [];
  const chosen = [...given].find((answer) => answer.dataset.to);
  goTo(chosen?.dataset.to ?? all[all.indexOf(step) + 1]?.dataset.step);
}

// From here the customer is on the line: what was read before is no part of the way.
export function begin() {
  if (notes) change((now) => { now.path = blank(guide()).path; });
}

function choose(branch) {
  const question = branch.closest("[data-question]").dataset.question, step = branch.closest(".say");
  change((now) => { now.answers[question] = branch.dataset.choice; });
  const open = [...step.querySelectorAll("[data-question]")].some((field) => !(field.dataset.question in notes.answers));
  if (branch.dataset.to) goTo(branch.dataset.to); else if (!open) goOn();
}

// Whether what stands in the field is an answer to its question; empty is none, and not wrong.
function mark(field, input) {
  const value = input.value.normalize("NFKC").trim();
  const wrong = input.validity.badInput || (field.dataset.kind === "number" && value !== "" && !NUMBER.test(value));
  input.classList.toggle("is-wrong", wrong);
  input.setAttribute("aria-invalid", String(wrong));
  const hint = field.querySelector("[data-wrong]");
  if (hint) hint.hidden = !wrong;
}

function typed(field) {
  const input = field.querySelector("input:not([type=checkbox])");
  if (input) mark(field, input);
  const value = input ? input.value.trim() : [...field.querySelectorAll("input:checked")].map((box) => box.value);
  change((now) => {
    if (value.length) now.answers[field.dataset.question] = value; else delete now.answers[field.dataset.question];
  }, { wait: input ? TYPING : SOON });
}

// ---------- what helps

function open(row) {
  const isOpen = !row.classList.contains("is-on"), pk = row.dataset.answer;
  if (isOpen) row.parentElement.querySelectorAll(".objection.is-on").forEach(close);
  if (!isOpen) { close(row); keys(); return; }
  row.classList.add("is-on");
  row.querySelector("p").hidden = false;
  row.querySelector("[data-open]").setAttribute("aria-expanded", "true");
  if (row.querySelector("[data-helped-row]")) row.querySelector("[data-helped-row]").hidden = false;
  window.htmx?.trigger(row.querySelector("[data-open]"), "open");
  const step = Number(shownStep()?.dataset.step) || null;
  if (pk && !(pk in (notes?.shown ?? {}))) change((now) => { now.shown[pk] = { step, helped: null }; }); else keys();
}

function close(row) {
  row.classList.remove("is-on");
  row.querySelector("p").hidden = true;
  row.querySelector("[data-open]").setAttribute("aria-expanded", "false");
  if (row.querySelector("[data-helped-row]")) row.querySelector("[data-helped-row]").hidden = true;
}

function openFirst() {
  const row = document.querySelector("#desk-found .objection");
  if (!row) return;
  if (!row.classList.contains("is-on")) open(row);
  row.querySelector("[data-open]").focus();
}

let opensFirst = false;
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "desk-q" || event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  if (event.target.classList.contains("htmx-request") || event.target.value !== asked) opensFirst = true; else openFirst();
});
let asked = "";
document.addEventListener("htmx:beforeRequest", (event) => { if (event.target.id === "desk-q") asked = event.target.value; });
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "desk-found") return;
  paint();
  if (opensFirst) { opensFirst = false; openFirst(); }
});

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("[data-step-on]")) goOn();
  if (target.closest("[data-step-back]")) goBack();
  const part = target.closest("[data-part] a");
  if (part) { event.preventDefault(); goTo(document.querySelector(`.say[data-of="${part.parentElement.dataset.part}"]`)?.dataset.step); }
  const branch = target.closest(".branch[data-choice]");
  if (branch) choose(branch);
  const head = target.closest(".objection [data-open]");
  if (head) open(head.closest(".objection"));
  const helped = target.closest("[data-helped]");
  if (helped) {
    const pk = helped.closest("[data-answer]").dataset.answer;
    change((now) => { now.shown[pk] = { ...now.shown[pk], helped: helped.dataset.helped === "1" }; });
  }
  const used = target.closest("[data-used]");
  if (used) {
    event.preventDefault();
    change((now) => { now.scenarios[used.closest("[data-scenario]").dataset.scenario] = used.dataset.used === "1"; });
  }
  const copy = target.closest("[data-copy-text]");
  if (copy) {
    navigator.clipboard?.writeText(copy.dataset.copyText)
      .then(() => document.dispatchEvent(new CustomEvent("toast", { detail: { text: desk.dataset.textCopied } })));
  }
  if (target.closest("[data-dial]")) begin();
  // pressed by a single key: what stands under Enter is not changed by it
  if (!event.isTrusted) target.closest("[data-used], [data-helped], .branch, [data-open]")?.blur();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-must]")) {
    const { value, checked } = event.target;
    change((now) => { now.said = now.said.filter((point) => point !== value).concat(checked ? [value] : []); });
  } else if (event.target.matches("#guide [data-question] input[type=checkbox]")) {
    typed(event.target.closest("[data-question]"));
  }
});
document.addEventListener("input", (event) => {
  if (event.target.matches("#guide [data-question] input:not([type=checkbox])")) typed(event.target.closest("[data-question]"));
});

// ---------- what is seen

function paint() {
  if (!notes || !guide()) return;
  const now = way().at(-1);
  const step = steps().find((other) => Number(other.dataset.step) === now) ?? steps()[0];
  if (step && step.hidden) { show(step); }
  for (const field of document.querySelectorAll("#guide [data-question]")) answerIn(field, notes.answers[field.dataset.question]);
  for (const box of document.querySelectorAll("[data-must]")) box.checked = notes.said.includes(box.value);
  for (const row of document.querySelectorAll("[data-answer]")) {
    const helped = notes.shown[row.dataset.answer]?.helped ?? null;
    for (const button of row.querySelectorAll("[data-helped]")) button.setAttribute("aria-pressed", String(helped !== null && helped === (button.dataset.helped === "1")));
  }
  for (const row of document.querySelectorAll("[data-scenario]")) {
    const used = notes.scenarios[row.dataset.scenario] ?? null;
    for (const button of row.querySelectorAll("[data-used]")) button.setAttribute("aria-pressed", String(used !== null && used === (button.dataset.used === "1")));
  }
  for (const back of document.querySelectorAll("[data-step-back]")) back.disabled = way().length < 2;
  keys();
}

function answerIn(field, value) {
  for (const branch of field.querySelectorAll(".branch")) branch.setAttribute("aria-pressed", String(branch.dataset.choice === value));
  for (const box of field.querySelectorAll("input[type=checkbox]")) box.checked = [value ?? []].flat().includes(box.value);
  const input = field.querySelector("input:not([type=checkbox])");
  if (input && input !== document.activeElement) { input.value = value ?? ""; mark(field, input); }
}

function show(step) {
  const all = steps(), parts = [...document.querySelectorAll("#guide [data-part]")];
  all.forEach((other) => { other.hidden = other !== step; });
  const at = step.dataset.step === END ? parts.length : parts.findIndex((part) => part.dataset.part === step.dataset.of);
  parts.forEach((part, index) => {
    part.classList.toggle("now", index === at);
    part.classList.toggle("done", index < at);
    if (index === at) part.firstElementChild.setAttribute("aria-current", "step"); else part.firstElementChild.removeAttribute("aria-current");
  });
  step.parentElement.scrollTop = 0;
  const place = document.getElementById("desk-q-step");
  if (place) place.value = step.dataset.step;
}

// Keys are given to what is in sight, from those that no result and nothing else on the page answers to.
function keys() {
  const seen = (element) => element.getClientRects().length > 0;
  const own = [...document.querySelectorAll("#desk [data-free-key]")];
  own.forEach((element) => { delete element.dataset.key; element.removeAttribute("aria-keyshortcuts"); });
  const taken = new Set([...document.querySelectorAll("#desk [data-key]")].map((element) => element.dataset.key.toUpperCase()));
  const free = FREE.filter((key) => !taken.has(key)), inSight = own.filter(seen), wishes = new Set(inSight.map((element) => element.dataset.freeKey));
  for (const element of inSight) {
    const wished = element.dataset.freeKey;
    const key = wished && free.includes(wished) ? wished : free.find((other) => !wishes.has(other) && (!wished || other > "9"));
    const hint = element.querySelector("kbd");
    if (key) { free.splice(free.indexOf(key), 1); element.dataset.key = key; element.setAttribute("aria-keyshortcuts", key); }
    if (hint) { hint.textContent = key ?? ""; hint.hidden = !key; }
  }
}

// ---------- for the desk

export const told = () => (notes ? JSON.stringify(toServer()) : "");
export const step = () => { const now = shownStep()?.dataset.step; return now === END ? String(way().findLast((other) => other) ?? "") : now; };
export const hasWaiting = () => Boolean(waiting());

// The result takes the notes along: nothing of this customer stays here.
export function handOver() { clearTimeout(timer); forget(); }
// The result was refused and the customer is still in hand: so are the notes.
export function takeBack() {
  if (!notes) return;
  keep();
  clearTimeout(timer);
  timer = setTimeout(send, SOON);
}

export function settled() {
  const place = guide();
  if (!place) { notes = null; return; }
  if (notes?.hold !== place.dataset.hold) notes = null;
  const kept = waiting(), server = place.dataset.notes ? fromServer(place, JSON.parse(place.dataset.notes)) : blank(place);
  const own = notes ?? (kept?.hold === place.dataset.hold ? kept : null);
  notes = own && own.version >= server.version ? own : server;
  // The script that is shown is the one that is spoken from here on; answers stay, the way begins anew.
  const spoken = Number(place.dataset.script) || null;
  if (notes.script && notes.script !== spoken) notes = { ...notes, script: spoken, path: blank(place).path };
  if (kept && kept.hold === place.dataset.hold) { clearTimeout(timer); timer = setTimeout(send, SOON); } else if (kept) forget();
  paint();
}

export function listen(found) { hooks = found; }
