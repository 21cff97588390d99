// Tables and filters: a choice in a .filters form goes straight into the URL; a row link opens with a click anywhere in its row;
// [data-check-all] ticks the boxes of its table and [data-checked-count] says how many.
function submitFilters(form) {
  for (const field of form.querySelectorAll("input, select")) if (field.name && field.value === "") field.disabled = true;
  form.requestSubmit();
}

function boxes(table) {
  return [...table.querySelectorAll("tbody input[type=checkbox][name]")];
}

function count(table) {
  const all = boxes(table), ticked = all.filter((box) => box.checked).length;
  const head = table.querySelector("[data-check-all]");
  if (head) { head.checked = ticked > 0 && ticked === all.length; head.indeterminate = ticked > 0 && ticked < all.length; }
  for (const place of document.querySelectorAll("[data-checked-count]")) place.textContent = String(ticked);
  for (const button of document.querySelectorAll("[data-needs-checked]")) button.disabled = ticked === 0;
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form && event.target.matches("select, input[type=date], input[type=checkbox], input[type=radio]")) { submitFilters(form); return; }
  const table = event.target.closest("table");
  if (!table || !event.target.matches("input[type=checkbox]")) return;
  if (event.target.matches("[data-check-all]")) for (const box of boxes(table)) box.checked = event.target.checked;
  count(table);
});

document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input, select, label") || String(getSelection())) return;
  if (event.ctrlKey || event.metaKey) window.open(row.dataset.href, "_blank", "noopener");
  else location.assign(row.dataset.href);
});

// Whoever comes back by the back button finds the filters usable again.
addEventListener("pageshow", () => document.querySelectorAll("form[data-auto] :disabled:not([data-off])").forEach((field) => { field.disabled = false; }));
document.querySelectorAll("table:has(tbody input[type=checkbox][name])").forEach(count);

// One press, one request: a form that is under way does not go out twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.matches("[hx-post], [data-again]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
});

// [data-dialog="#id"] opens that dialog; [data-close-dialog] inside it closes it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) { event.preventDefault(); document.querySelector(opener.dataset.dialog)?.showModal(); }
  event.target.closest("[data-close-dialog]")?.closest("dialog")?.close();
});
