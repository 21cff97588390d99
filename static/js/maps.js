// Guidance map: a card is dragged onto another or into a quadrant; the form of the card says it to the server. Without a mouse the same form is there.
let dragged = null;

function clear() {
  document.querySelectorAll(".is-over").forEach((place) => place.classList.remove("is-over"));
}

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-card]");
  dragged?.classList.add("is-dragged");
  if (dragged) event.dataTransfer.setData("text/plain", dragged.dataset.card);
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("is-dragged");
  dragged = null;
  clear();
});
document.addEventListener("dragover", (event) => {
  const place = event.target.closest?.("[data-quadrant]");
  if (!dragged || !place) return;
  event.preventDefault();
  clear();
  place.classList.add("is-over");
});
document.addEventListener("drop", (event) => {
  const place = event.target.closest?.("[data-quadrant]");
  const form = dragged?.querySelector("[data-move]");
  if (!place || !form) return;
  event.preventDefault();
  const on = event.target.closest("[data-card]");
  form.elements.quadrant.value = place.dataset.quadrant;
  form.elements.before.value = on && on !== dragged ? on.dataset.card : "";
  form.requestSubmit();
});
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
