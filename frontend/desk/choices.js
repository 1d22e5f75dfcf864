/**
 * Shows only the results and the reasons that go with the decision, the habitat where the map changes, and offers the
 * text of the reply. Without this the form has every choice, and the server says which do not go together.
 */
export function armChoices(form, effect) {
  if (!form) return;
  const table = JSON.parse(document.getElementById(form.dataset.decision).textContent);
  const find = (selector) => form.querySelector(selector);
  const reason = form.elements.reason_code;
  const options = [...reason.options];
  const parts = { results: find("[data-results]"), correction: find("[data-correction]"), fixed: find("[data-fixed]") };

  const follow = () => {
    const outcome = form.elements.outcome.value;
    const results = table.results[outcome] ?? [];
    parts.results.hidden = results.length < 2;
    for (const label of parts.results.querySelectorAll("[data-result]")) label.hidden = !results.includes(label.dataset.result);
    if (!results.includes(form.elements.result.value)) check(form, "result", results.length === 1 ? results[0] : null);
    const reasons = table.reasons[outcome] ?? [];
    const chosen = reason.value;
    reason.replaceChildren(...options.filter(({ value }) => !value || reasons.includes(value)));
    reason.value = reasons.includes(chosen) ? chosen : reasons.length === 1 ? reasons[0] : "";
    parts.correction.hidden = outcome !== table.corrects;
    if (parts.fixed) parts.fixed.hidden = outcome !== table.fixed;
  };

  form.addEventListener("change", (event) => {
    if (event.target.name === "outcome") follow();
    if (["outcome", "reason_code"].includes(event.target.name)) reply.offer();
    if (["outcome", "to_type", "scope"].includes(event.target.name)) effect.count();
  });
  const reply = armReply(form, table.replies);
  follow();
  reply.offer();
  effect.count();
}

function check(form, name, value) {
  for (const radio of form.querySelectorAll(`[name=${name}]`)) radio.checked = radio.value === value;
}

/** The text of the reason fills an empty reply, or one that nobody touched; else a button puts it there. */
function armReply(form, replies) {
  const field = form.elements.reply;
  const button = form.querySelector("[data-reply-text]");
  const texts = new Set(Object.values(replies));
  const text = () => replies[form.elements.reason_code.value] ?? "";
  const untouched = () => field.value.trim() === "" || texts.has(field.value);

  button.addEventListener("click", () => {
    field.value = text();
    field.focus();
  });
  return {
    offer() {
      if (untouched() && text()) field.value = text();
      button.hidden = !text() || field.value === text();
    },
  };
}
