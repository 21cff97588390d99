// Light, dark or auto. A plain script in the head, so that no page shows the wrong ground first.
// Whoever is signed in has the choice on the account (data-theme-url says where it is kept); the sign-in page keeps it in the browser.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const CHOICES = ["light", "dark", "auto"];
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };

  function choice() {
    const asked = new URLSearchParams(location.search).get("theme");
    const kept = root.dataset.themeUrl ? root.dataset.theme : stored() || root.dataset.theme;
    return [asked, kept].find((wanted) => CHOICES.includes(wanted)) || "auto";
  }

  function apply(wanted = choice()) {
    const resolved = wanted === "auto" ? (dark.matches ? "dark" : "light") : wanted;
    const changed = root.dataset.bsTheme !== resolved;
    root.dataset.theme = wanted;
    root.dataset.bsTheme = resolved;
    for (const button of document.querySelectorAll("[data-set-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === wanted));
    }
    if (changed) document.dispatchEvent(new CustomEvent("theme:change", { detail: resolved }));
  }

  function keep(wanted) {
    try { localStorage.setItem("theme", wanted); } catch { /* private mode: this page only */ }
    if (!root.dataset.themeUrl) return;
    const headers = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
    fetch(root.dataset.themeUrl, { method: "POST", headers, body: new URLSearchParams({ theme: wanted }), redirect: "manual" }).catch(() => {});
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set-theme]");
    if (!button) return;
    keep(button.dataset.setTheme);
    apply(button.dataset.setTheme);
  });
  dark.addEventListener("change", () => apply(root.dataset.theme));
  document.addEventListener("DOMContentLoaded", () => apply());
  apply();
})();
