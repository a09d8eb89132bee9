// Starts Swagger UI on the schema that the page names.
const place = document.getElementById("api");
window.SwaggerUIBundle({ url: place.dataset.schema, dom_id: "#api", deepLinking: true });
