// The builder of a form: Alt and an arrow move the stage or item one is in; what was moved or added keeps the focus.
let wanted = "";

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.isComposing || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const box = event.target.closest("[data-movable]");
  const button = [...(box?.querySelectorAll(`[data-move="${event.key === "ArrowUp" ? "up" : "down"}"]`) ?? [])]
    .find((found) => found.closest("[data-movable]") === box);
  if (!button) return;
  event.preventDefault();
  wanted = event.target.id;
  event.target.blur?.();  // what was typed goes out before the move
  button.click();
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "draft") return;
  const field = wanted && document.getElementById(wanted);
  wanted = "";
  if (field) field.focus();
});
