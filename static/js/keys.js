// Keys: whatever carries data-key="P" answers to it, unless the person is writing. `?` lists them all, `/` goes to the search,
// Esc leaves, Ctrl+Enter presses [data-ctrl-enter]. Single keys can be switched off; F keys and Ctrl+Enter stay.
const KEPT = "single-keys";
const NAMES = { " ": "SPACE", ESC: "ESCAPE", LEFT: "ARROWLEFT", RIGHT: "ARROWRIGHT", UP: "ARROWUP", DOWN: "ARROWDOWN" };
const texts = () => document.getElementById("texts")?.dataset ?? {};
const help = () => document.getElementById("keys-help");

const writing = (element) => element.isContentEditable
  || element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=range])");
const nameOf = (key) => { const name = key.toUpperCase(); return NAMES[name] ?? name; };
const usable = (element) => !element.disabled && element.getAttribute("aria-disabled") !== "true" && element.getClientRects().length > 0;

export function singleKeysOn() {
  try { return localStorage.getItem(KEPT) !== "off"; } catch { return true; }
}

// An open dialog holds the keys: what lies behind it does not answer.
function scope() {
  return [...document.querySelectorAll("dialog[open], .modal.show")].pop() ?? document;
}

function find(name) {
  return [...scope().querySelectorAll("[data-key]")].find((element) => nameOf(element.dataset.key) === name && usable(element));
}

function press(element) {
  element.focus({ preventScroll: element.matches("[data-key-quiet]") });
  if (!element.matches("input:not([type=checkbox], [type=radio]), textarea, select")) element.click();
}

function leave(event) {
  if (writing(event.target)) { event.target.blur(); return; }
  const way = [...scope().querySelectorAll("[data-esc]")].find(usable);
  if (way) { event.preventDefault(); way.click(); }
}

function save(event) {
  const inside = event.target.closest?.("form")?.querySelector("[data-ctrl-enter]");
  const button = inside ?? [...scope().querySelectorAll("[data-ctrl-enter]")].find(usable);
  if (button && usable(button)) { event.preventDefault(); button.click(); }
}

function search(event) {
  const field = [...scope().querySelectorAll("input[type=search]")].find(usable);
  if (field) { event.preventDefault(); field.focus(); field.select(); }
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.repeat) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { save(event); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") { leave(event); return; }
  const isFunctionKey = /^F\d+$/.test(event.key);
  if (!isFunctionKey && (writing(event.target) || !singleKeysOn())) return;
  // Enter and Space belong to the button that has the focus.
  if ((event.key === "Enter" || event.key === " ") && event.target.closest("a[href], button, summary, input")) return;
  const button = find(nameOf(event.key));
  if (button) { event.preventDefault(); press(button); return; }
  if (event.key === "/") search(event);
  if (event.key === "?") { event.preventDefault(); showHelp(); }
});

function line(key, text) {
  const dt = document.createElement("dt"), dd = document.createElement("dd"), kbd = document.createElement("kbd");
  kbd.textContent = key;
  dt.append(kbd);
  dd.textContent = text;
  return [dt, dd];
}

function describe(element) {
  if (element.dataset.keyName) return element.dataset.keyName;
  if (element.getAttribute("aria-label")) return element.getAttribute("aria-label");
  const copy = element.cloneNode(true);
  copy.querySelectorAll("kbd, .visually-hidden, small").forEach((part) => part.remove());
  return copy.textContent.trim() || element.title || element.getAttribute("placeholder") || "";
}

export function showHelp() {
  const dialog = help(), t = texts();
  if (!dialog || dialog.open) return;
  const lines = [...document.querySelectorAll("[data-key]")].filter(usable)
    .flatMap((element) => line(element.querySelector("kbd")?.textContent || element.dataset.key, describe(element)));
  if (document.querySelector("input[type=search]")) lines.push(...line("/", t.keySearch));
  if (document.querySelector("[data-ctrl-enter]")) lines.push(...line("Ctrl ↵", t.keySave));
  lines.push(...line("Esc", t.keyLeave), ...line("?", t.keyHelp));
  dialog.querySelector("[data-keys-list]").replaceChildren(...lines);
  dialog.querySelector("[data-keys-toggle]").checked = singleKeysOn();
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys-help]")) showHelp();
  const dialog = event.target.closest("dialog.sheet");
  if (dialog && event.target === dialog) dialog.close();  // a click on the ground beside the sheet
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-keys-toggle]")) return;
  try { localStorage.setItem(KEPT, event.target.checked ? "on" : "off"); } catch { /* private mode: this page only */ }
});

const announce = (root) => root.querySelectorAll?.("[data-key]:not([aria-keyshortcuts])").forEach((element) => {
  element.setAttribute("aria-keyshortcuts", element.dataset.key === " " ? "Space" : element.dataset.key);
});
announce(document);
document.addEventListener("htmx:load", (event) => announce(event.target));
