/** The declaration of interest is asked where the proposal lowers a stake, and says which. */
export function armInterest(form, { legend, words }, { chosen, field }) {
  const block = form.querySelector("[data-interest]");
  const said = form.querySelector("[data-interest-words]");
  const choices = form.querySelector("[data-runner-up-choices]");
  const staysOpen = Boolean(block.querySelector(".errorlist"));

  const refresh = () => {
    const proposed = field.current();
    const lowered = proposed && chosen.lines().find((line) => Number(line.dataset.stake) > proposed.stake);
    block.hidden = !lowered && !staysOpen;
    said.textContent = lowered ? words.lowered_stake.replace("%(to)s", proposed.label).replace("%(from)s", lowered.dataset.label) : "";
    gather();
  };

  // The runner-ups of every polygon of the list, once each, the likelier first, beside the field they fill.
  function gather() {
    const best = new Map();
    const ranked = [...form.querySelectorAll("[data-chosen] [data-runner-up]")].sort((one, other) => other.dataset.share - one.dataset.share);
    for (const chip of ranked) if (!best.has(chip.value)) best.set(chip.value, chip);
    choices.querySelectorAll("[data-runner-up]").forEach((chip) => chip.remove());
    choices.append(...[...best.values()].map((chip) => chip.cloneNode(true)));
    choices.hidden = best.size === 0;
  }

  chosen.whenChanged(refresh);
  field.whenChanged(refresh);
  form.classList.add("has-choices"); // the list need not repeat them
  if (legend.length) refresh();
}
