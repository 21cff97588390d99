// Toasts say what is done, never what failed. From a script: document.dispatchEvent(new CustomEvent("toast", {detail: {text, undo}}));
// from the server: the header HX-Trigger: {"toast": {"text": "…", "undo": "/url/to/post/"}}. kind: "" | "wait".
const STAY = 6000, STAY_WITH_UNDO = 12000;
const texts = () => document.getElementById("texts")?.dataset ?? {};
const sprite = () => document.querySelector("use")?.getAttribute("href").split("#")[0] ?? "/static/icons.svg";

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "ico");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${sprite()}#${name}`);
  svg.append(use);
  return svg;
}

function button(className, text) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  if (text) element.textContent = text;
  return element;
}

// A toast waits while it is read: pointer or focus on it stops the clock.
function retire(note, after) {
  let timer;
  const start = () => { clearTimeout(timer); timer = setTimeout(() => note.remove(), after); };
  const stop = () => clearTimeout(timer);
  note.addEventListener("mouseenter", stop);
  note.addEventListener("focusin", stop);
  note.addEventListener("mouseleave", start);
  note.addEventListener("focusout", start);
  start();
}

function undoButton(note, { undo, undoLabel }) {
  const element = button("btn btn-quiet btn-xs", undoLabel || texts().undo);
  element.setAttribute("hx-post", undo);
  element.setAttribute("hx-swap", "none");
  element.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) note.remove(); });
  return element;
}

export function toast({ text, undo, undoLabel, kind = "" }) {
  const note = document.createElement("div"), words = document.createElement("span");
  const close = button("icon-btn");
  note.className = `toast-note${kind === "wait" ? " is-wait" : ""}`;
  words.textContent = text;
  close.setAttribute("aria-label", texts().close);
  close.dataset.toastClose = "";
  close.append(icon("close"));
  note.append(icon(kind === "wait" ? "clock" : "check"), words);
  if (undo) note.append(undoButton(note, { undo, undoLabel }));
  note.append(close);
  document.getElementById("toasts")?.append(note);
  if (undo) window.htmx?.process(note);
  if (kind !== "wait") retire(note, undo ? STAY_WITH_UNDO : STAY);
  return note;
}

document.addEventListener("toast", (event) => {
  const { text, undo, undoLabel, kind, value } = event.detail ?? {};
  toast({ text: text ?? value ?? "", undo, undoLabel, kind });
});
document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest(".toast-note")?.remove();
  const copy = event.target.closest("[data-copy-link]");
  if (copy) navigator.clipboard?.writeText(location.href).then(() => toast({ text: texts().copied }));
});
document.querySelectorAll("[data-toast]").forEach((note) => retire(note, STAY));

// What fails says so on the page and stays there until the next request goes well.
function fault(text) {
  const place = document.getElementById("notices");
  if (!place) return;
  let notice = place.querySelector("[data-fault]");
  if (!text) { notice?.remove(); return; }
  if (!notice) {
    notice = document.createElement("div");
    notice.className = "notice is-bad";
    notice.setAttribute("role", "alert");
    notice.dataset.fault = "";
    place.append(notice);
  }
  const words = document.createElement("p");
  words.textContent = text;
  notice.replaceChildren(icon("alert"), words);
  notice.scrollIntoView({ block: "nearest" });
}

// Live panels and jobs ask by themselves: their silence is told by the freshness line, not by a notice.
const quiet = (event) => (event.detail.requestConfig?.elt ?? event.detail.elt)?.closest?.("[data-live], [data-quiet]");

document.addEventListener("htmx:sendError", (event) => { if (!quiet(event)) fault(texts().noConnection); });
document.addEventListener("htmx:responseError", (event) => {
  if (quiet(event)) return;
  const { status } = event.detail.xhr;
  fault(status === 403 ? texts().refused : status === 404 ? texts().gone : status === 503 ? texts().slow : texts().broken);
});
document.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.successful && !quiet(event)) fault(null); });

// A session that ended answers with the sign-in page: load it whole instead of putting it into a panel.
document.addEventListener("htmx:beforeSwap", (event) => {
  const login = document.body.dataset.loginUrl;
  if (login && new URL(event.detail.xhr.responseURL || location.href).pathname === login && location.pathname !== login) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
