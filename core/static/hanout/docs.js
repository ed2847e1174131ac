"use strict";
// Which contract is shown is in the address, so that a page can be linked and reloaded.
const links = [...document.querySelectorAll(".contracts a")];
const wanted = new URLSearchParams(location.search).get("contract");
const shown = links.find((link) => link.dataset.name === wanted) ?? links[0];
shown.setAttribute("aria-current", "page");
window.ui = SwaggerUIBundle({
  url: shown.dataset.url,
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  persistAuthorization: true,
  validatorUrl: null,
});
