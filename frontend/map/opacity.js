/** The slider of the habitats' opacity, in percent. */
export function armOpacity(drawing, address) {
  const slider = document.getElementById("opacity");
  const output = document.getElementById("opacity-value");
  const show = () => {
    output.textContent = `${slider.value} %`;
    drawing.setOpacity(slider.value / 100);
  };
  const asked = address.number("o");
  if (asked !== null) slider.value = asked;
  slider.addEventListener("input", show);
  slider.addEventListener("change", () => address.set({ o: slider.value === slider.defaultValue ? null : slider.value }));
  show();
}
