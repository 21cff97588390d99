// Calls that come in: the number that was typed does not stay in the page once the server has it.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt?.matches?.("[data-inbound]") && event.detail.successful) event.detail.elt.reset();
});
