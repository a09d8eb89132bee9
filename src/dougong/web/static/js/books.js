// Books and operator pages: print buttons, and forms that send themselves when a choice changes.
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}
for (const field of document.querySelectorAll("[data-sends]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}
