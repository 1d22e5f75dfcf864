/** The switch of vintages. `at` says which vintage is seen at a place: the curtain may show another one there. */
export function armYears(settings, address, drawing) {
  const byId = new Map(settings.vintages.map((vintage) => [String(vintage.id), vintage]));
  const listeners = [];
  const inputs = [...document.querySelectorAll("input[name=vintage]")];
  const asked = inputs.find((input) => String(byId.get(input.value)?.year) === address.get("a"));
  if (asked) asked.checked = true;

  const current = () => byId.get(inputs.find((input) => input.checked)?.value) ?? null;
  const draw = () => drawing.draw("shown", current());

  for (const input of inputs) {
    input.addEventListener("change", () => {
      address.set({ a: current().year });
      draw();
      for (const listener of listeners) listener();
    });
  }
  draw();
  if (current()) address.note({ a: current().year });

  return { byId, current, at: current, whenChanged: (listener) => listeners.push(listener) };
}
