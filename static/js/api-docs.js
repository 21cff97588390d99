// The page of the interface: Swagger UI on our own description, asking with the session of whoever reads it.
const place = document.getElementById("api-docs");
const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schemaUrl,
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = token();
    return request;
  },
});

const root = document.documentElement;
const follow = () => root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
document.addEventListener("theme:change", follow);
follow();
