// Books and operator pages: forms that send themselves when a choice changes.
for (const field of document.querySelectorAll("[data-sends]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}
