// Results of calls that wait for the server or were refused by it, notes and the form of the call in hand lie in this browser (outbox.js, desk.js, guide.js). They hold what customers said,
// personal data outside the server, so they do not outlive their use: each goes as soon as the server has it or another customer is in hand; signing out takes all of them away,
// after a word when some still wait, and what nobody has come back for within a week goes.
const WAITING = ["desk.results.", "desk.refused.", "desk.notes."];
const PREFIXES = [...WAITING, "desk.form."];
const LONGEST = 7 * 24 * 60 * 60 * 1000;

function stores() {
  try { return Object.keys(localStorage).filter((name) => PREFIXES.some((prefix) => name.startsWith(prefix))); } catch { return []; }
}

function items(name) {
  try { return JSON.parse(localStorage.getItem(name)) ?? []; } catch { return []; }
}

function forgetOld() {
  const since = Date.now() - LONGEST;
  for (const name of stores()) {
    const young = items(name).filter((item) => item.saved > since);
    if (young.length) localStorage.setItem(name, JSON.stringify(young)); else localStorage.removeItem(name);
  }
}

let warned = false;
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-sign-out]")) return;
  const waits = (name) => WAITING.some((prefix) => name.startsWith(prefix)) && items(name).length;
  if (!warned && stores().some(waits)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    warned = true;
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: event.target.dataset.signOut, kind: "wait" } }));
    return;
  }
  stores().forEach((name) => localStorage.removeItem(name));
}, true);

forgetOld();
