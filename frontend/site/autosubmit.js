/** A field with data-submits sends its form when it changes; the form keeps its button for those without scripts. */
export function armAutoSubmit() {
  document.addEventListener("change", (event) => {
    const field = event.target.closest("[data-submits]");
    if (field) field.form.requestSubmit();
  });
}
