/** Keeps the reply of a report in this tab while it is typed, so that neither a reload nor a lost lock loses it. */
export function armKept(form) {
  if (!form) return;
  const key = `desk-reply:${form.action}`;
  const field = form.elements.reply;
  if (!field.value) field.value = sessionStorage.getItem(key) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(key, field.value));
}
