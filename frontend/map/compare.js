/** Two years side by side: a curtain over the map, moved by pointer or arrow keys; the other year is at its left. */
export function armCompare(map, settings, address, years, drawing) {
  const select = document.getElementById("compared-vintage");
  if (!select) return;
  const curtain = document.querySelector("[data-curtain]");
  const slider = curtain.querySelector("input");
  const [left, right] = curtain.querySelectorAll("[data-curtain-year]");

  const compared = () => years.byId.get(select.value) ?? null;
  const position = () => (map.getSize().x * slider.value) / 100;

  function cut() {
    curtain.style.setProperty("--curtain", `${slider.value}%`);
    const corner = map.containerPointToLayerPoint([0, 0]);
    const end = map.containerPointToLayerPoint(map.getSize());
    const middle = corner.x + position();
    const clip = (from, to) => (compared() ? `rect(${corner.y}px, ${to}px, ${end.y}px, ${from}px)` : "");
    map.getPane("compared").style.clip = clip(corner.x, middle);
    map.getPane("shown").style.clip = clip(middle, end.x);
  }

  function show() {
    drawing.draw("compared", compared());
    curtain.hidden = !compared();
    label();
    cut();
  }

  function label() {
    left.textContent = compared()?.year ?? "";
    right.textContent = years.current().year;
    slider.setAttribute("aria-label", settings.words.curtain.replace("%(left)s", left.textContent).replace("%(right)s", right.textContent));
  }

  const asked = settings.vintages.find((vintage) => String(vintage.year) === address.get("c"));
  if (asked) select.value = asked.id;
  slider.addEventListener("input", cut);
  map.on("move zoom viewreset resize", cut);
  select.addEventListener("change", () => {
    address.set({ c: compared()?.year ?? null });
    show();
  });
  years.whenChanged(label);
  years.at = (latlng) => (compared() && map.latLngToContainerPoint(latlng).x < position() ? compared() : years.current());
  if (compared()) show();
}
