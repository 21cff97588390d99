// Calls that come in: the number that was typed does not stay in the page once the server has it; a refused one need not be typed anew.
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.elt?.matches?.("[data-inbound]") || !event.detail.successful) return;
  if (!event.detail.xhr.getResponseHeader("X-Refused")) event.detail.elt.reset();
});
