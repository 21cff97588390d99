// Results of calls that wait for the server, and those that it refused. Oldest first, one at a time; a repeat carries the same key, so the
// server takes it once. What was refused stays in sight until it is mended or discarded: nothing goes away without a word.
const desk = document.getElementById("desk");
const text = (name) => desk.dataset[`text${name}`] ?? "";
const AGAIN = 5000, PATIENCE = 15_000;
// After so many faults of the server in a row an item lets the others pass, and is tried again every half minute.
const TIRED = 3, REST = 30_000;
let hooks = { state() {}, notice() {}, fault() {}, show() {}, shown() {}, done() {} };

// ---------- lists that are kept in this browser (kept.js forgets them); in a private window in this page alone

export function store(name) {
  let memory = [];
  const read = () => { try { return JSON.parse(localStorage.getItem(name)) ?? []; } catch { return memory; } };
  const write = (list) => {
    memory = list;
    try { if (list.length) localStorage.setItem(name, JSON.stringify(list)); else localStorage.removeItem(name); } catch { /* memory has it */ }
  };
  return {
    read, write,
    put: (item) => write([...read().filter((other) => other.key !== item.key), item]),
    drop: (key) => write(read().filter((item) => item.key !== key)),
  };
}

const results = store(`desk.results.${desk.dataset.user}`), refusals = store(`desk.refused.${desk.dataset.user}`);

function newKey() {
  return crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

// ---------- sending

let sending = null, again;

async function post(item) {
  const body = new URLSearchParams(item.fields);
  body.set("waited", String(Math.max(0, Math.round((Date.now() - item.saved) / 1000))));
  const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
  const answer = await fetch(desk.dataset.resultUrl, {
    method: "POST", body, credentials: "same-origin", redirect: "manual", signal: AbortSignal.timeout(PATIENCE),
    headers: { "X-CSRFToken": token, "Idempotency-Key": item.key, "HX-Request": "true" },
  });
  if (answer.type === "opaqueredirect" || answer.status === 403) { location.reload(); throw new Error("signed out"); }
  if (answer.status === 408 || answer.status === 429) throw new Error(`answer ${answer.status}`);
  return answer;
}

export async function send() {
  clearTimeout(again);
  if (sending) return;
  const passed = new Set(), next = () => results.read().find((item) => !passed.has(item.key));
  let isRefused = false;
  try {
    for (sending = next(); sending; sending = next()) {
      hooks.state("Saving");
      const answer = await post(sending);
      if (answer.status >= 500) { if (tired(sending)) passed.add(sending.key); else throw new Error(`answer ${answer.status}`); }
      else if (!await settle(sending, answer)) isRefused = true;
    }
    hooks.state(passed.size ? "Waits" : isRefused ? "NotKept" : "Saved", passed.size > 0 || isRefused);
    document.querySelector("[data-kept]")?.remove();
    if (passed.size) {
      hooks.notice(text("Stuck"), "stuck");
      again = setTimeout(send, REST);
    } else document.querySelector("[data-stuck]")?.remove();
  } catch {
    hooks.state("Waits", true);
    hooks.notice(text("Kept"), "kept");
    again = setTimeout(send, AGAIN);
  } finally {
    sending = null;
  }
}

// The server had a fault with it once more; whether the others go before it.
function tired(item) {
  const faults = (item.faults ?? 0) + 1;
  results.write(results.read().map((other) => (other.key === item.key ? { ...other, faults } : other)));
  return faults >= TIRED;
}

// Whether the server has it now; else it has refused it.
async function settle(item, answer) {
  if (answer.ok) {
    const html = await answer.text();
    results.drop(item.key);
    hooks.done(item);
    hooks.show(item, html, answer.headers.get("HX-Reswap") ?? "innerHTML");
    return true;
  }
  const told = await answer.json().catch(() => ({}));
  // the first post of this very result is still being answered: its answer is this one's
  if (told.code === "KeyInUse") throw new Error(told.code);
  results.drop(item.key);
  refusals.put({ ...item, why: told.detail ?? "", faults: 0 });
  if (hooks.shown(item)) hooks.fault(item, after(text("Refused"), told.detail ?? ""));
  list();
  return false;
}

// A full-width colon brings its own space.
function after(opening, sentence) {
  return opening.endsWith("：") ? opening + sentence : `${opening} ${sentence}`;
}

// A second result of the same hold takes the place of the first, unless that one is on its way: false.
export function add(item) {
  if (sending?.hold === item.hold) return false;
  refusals.write(refusals.read().filter((other) => other.hold !== item.hold));
  results.write([...results.read().filter((other) => other.hold !== item.hold), { key: newKey(), saved: Date.now(), ...item }]);
  return true;
}

export const isSaving = (lead) => sending?.lead === lead;
export const hasWaiting = () => results.read().length > 0;
export function listen(found) { hooks = found; }

// ---------- what was refused

const MENDABLE = ["callback_at", "reason", "amount", "order_number", "note"];
const local = (value) => value.slice(0, 16);

// Who is in hand still is mended in the form of the result; it is listed when that customer leaves the desk.
export function list() {
  const panel = document.getElementById("desk-refused"), place = panel?.querySelector("[data-refused-items]");
  if (!place) return;
  const items = refusals.read().filter((item) => !hooks.shown(item));
  panel.hidden = !items.length;
  const known = [...place.children].map((form) => form.dataset.key);
  if (known.join() === items.map((item) => item.key).join()) return;  // what is being mended there stays as it is typed
  place.replaceChildren(...items.map(row));
  if (items.some((item) => !known.includes(item.key))) panel.scrollIntoView({ block: "nearest" });
}

function row(item) {
  const form = document.getElementById("refused-item").content.cloneNode(true).firstElementChild, fields = new Map(item.fields);
  form.dataset.key = item.key;
  form.querySelector("[data-what]").textContent = [item.words, item.who, new Date(item.saved).toLocaleString(document.documentElement.lang)].filter(Boolean).join(" · ");
  form.querySelector("[data-why]").textContent = item.why;
  for (const name of MENDABLE) {
    const input = form.elements[name], value = fields.get(name);
    input.closest("label").hidden = value === undefined;
    input.value = value === undefined ? "" : name === "callback_at" ? local(value) : value;
  }
  return form;
}

function mended(item, form) {
  const changed = ([name, value]) => {
    const typed = MENDABLE.includes(name) ? form.elements[name].value : value;
    return [name, name === "callback_at" && typed === local(value) ? value : typed];
  };
  return item.fields.map(changed).filter(([, value]) => value !== "");
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-refused]");
  if (!form) return;
  event.preventDefault();
  const item = refusals.read().find((other) => other.key === form.dataset.key);
  refusals.drop(form.dataset.key);
  list();
  if (!item) return;
  results.put({ ...item, key: newKey(), fields: mended(item, form) });
  send();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-discard]");
  if (!button) return;
  if (!button.dataset.sure) { button.dataset.sure = "1"; button.textContent = button.dataset.discard; return; }
  refusals.drop(button.closest("[data-refused]").dataset.key);
  list();
});
// another window mended or discarded it
window.addEventListener("storage", (event) => { if (event.key === `desk.refused.${desk.dataset.user}`) list(); });
window.addEventListener("online", send);
