/** The list of chosen polygons and their outlines on the map: the list is the truth, and what the form sends. */
export function armChosen(form, map, settings) {
  const list = form.querySelector("[data-chosen]");
  const nothing = form.querySelector("[data-nothing-chosen]");
  const total = form.querySelector("[data-total]");
  const said = form.querySelector("[data-place-said]");
  const outlineField = form.querySelector("[name=outline]");
  const drawn = L.featureGroup().addTo(map);
  const listeners = [];
  const lines = () => [...list.querySelectorAll("[data-polygon]")];
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });

  function redraw() {
    drawn.clearLayers();
    for (const line of lines()) {
      const outline = line.querySelector("[data-outline]");
      if (outline) L.geoJSON(JSON.parse(outline.textContent), { interactive: false, pmIgnore: true, className: "chosen-polygon" }).addTo(drawn);
    }
    const area = lines().reduce((sum, line) => sum + Number(line.dataset.area), 0);
    total.hidden = lines().length < 2;
    total.querySelector("[data-total-area]").textContent = `${number.format(area / 10_000)} ha`;
    nothing.hidden = lines().length > 0 || Boolean(outlineField.value);
  }

  function changed(words, line, quiet = false) {
    said.textContent = words.replace("%(number)s", line.dataset.number);
    redraw();
    listeners.forEach((listen) => listen({ quiet }));
  }

  function remove(line) {
    const next = line.nextElementSibling ?? line.previousElementSibling;
    const hadFocus = line.contains(document.activeElement);
    line.remove();
    changed(settings.words.removed, line);
    if (hadFocus) (next?.querySelector("[data-remove]") ?? map.getContainer()).focus({ preventScroll: true });
  }

  /** Add a line as the server wrote it; with `toggle`, one that is there already is removed. `quiet`: nobody chose it yet. */
  function add(html, { toggle = false, quiet = false } = {}) {
    const line = new DOMParser().parseFromString(html, "text/html").querySelector("[data-polygon]");
    if (!line) return;
    const known = lines().find((other) => other.dataset.polygon === line.dataset.polygon);
    if (known && toggle) return remove(known);
    if (known) return void (said.textContent = settings.words.already.replace("%(number)s", line.dataset.number));
    list.append(document.importNode(line, true));
    changed(settings.words.added, line, quiet);
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove]");
    if (!button) return;
    event.preventDefault();
    remove(button.closest("[data-polygon]"));
  });
  redraw();

  return {
    add,
    redraw,
    lines,
    whenChanged: (listen) => listeners.push(listen),
    clear() {
      list.replaceChildren();
      redraw();
    },
    /** Show all of them; false where there is none. */
    fit() {
      if (!drawn.getLayers().length) return false;
      map.fitBounds(drawn.getBounds(), { maxZoom: 16, padding: [40, 40] });
      return true;
    },
  };
}
