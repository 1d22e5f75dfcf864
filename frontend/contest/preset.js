/** What is wrong follows from the gesture, until the person says it themselves. */
export function armPreset(form, { chosen, drawing }) {
  const radios = [...form.querySelectorAll("[name=error_type]")];
  let isTheirs = radios.some((radio) => radio.checked);
  radios.forEach((radio) => radio.addEventListener("change", () => (isTheirs = true)));

  const preset = () => {
    if (isTheirs) return;
    const value = drawing.hasOutline() ? "both" : chosen.lines().length ? "attribute" : "";
    radios.forEach((radio) => (radio.checked = radio.value === value));
  };
  chosen.whenChanged(preset);
  drawing.whenChanged(preset);
}
