// Results of calls and notes of the call in hand that wait for the server lie in this browser (desk.js, guide.js). They hold what customers said, so they do not outlive their use:
// signing out takes them away, after a word when some still wait, and what nobody has come back for within a week goes.
const PREFIXES = ["desk.results.", "desk.notes."];
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
  if (!warned && stores().some((name) => items(name).length)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    warned = true;
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: event.target.dataset.signOut, kind: "wait" } }));
    return;
  }
  stores().forEach((name) => localStorage.removeItem(name));
}, true);

forgetOld();
