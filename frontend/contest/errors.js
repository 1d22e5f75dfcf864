/** After a refusal the first field at fault has the focus, and its sentence is read with it. */
export function focusFirstError() {
  const first = document.querySelector("[data-field-error]");
  if (!first) return document.querySelector("[data-first-error]")?.focus();
  const row = first.closest("fieldset, .form-row-plain, section");
  const field = row.querySelector("input:not([type=hidden]), textarea, select") ?? row.querySelector("button");
  first.scrollIntoView({ block: "center" });
  field?.focus({ preventScroll: true });
}
