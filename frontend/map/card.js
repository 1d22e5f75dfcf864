/** The card of the polygon under a click; by keyboard, Enter reads the middle of the map. */
export function armCards(map, settings, address, years, sheet) {
  const panel = document.getElementById("polygon-card");
  const chosen = L.layerGroup().addTo(map);
  let place = null;
  let asked = 0;

  async function show(latlng, { focus = false } = {}) {
    const vintage = years.at(latlng);
    if (!vintage) return;
    place = latlng;
    address.set({ a: years.current().year, p: `${latlng.lng.toFixed(6)},${latlng.lat.toFixed(6)}` });
    const mine = ++asked;
    say(panel, settings.words.card_loading);
    sheet.open();
    const html = await fetchCard(settings.card, vintage, latlng);
    if (mine !== asked) return;
    if (html === null) return say(panel, settings.words.card_failed);
    panel.innerHTML = html;
    draw(panel.querySelector("[data-outline]"), latlng);
    panel.querySelector("[data-card-close]").addEventListener("click", close);
    panel.scrollIntoView({ block: "nearest" });
    sheet.reveal(latlng);
    if (focus) panel.focus({ preventScroll: true });
  }

  function draw(element, latlng) {
    chosen.clearLayers();
    if (!latlng) return;
    if (element) L.geoJSON(JSON.parse(element.textContent), { interactive: false, style: { className: "chosen-polygon" } }).addTo(chosen);
    L.circleMarker(latlng, { radius: 5, interactive: false, className: "chosen-place" }).addTo(chosen);
  }

  function close() {
    asked += 1;
    place = null;
    panel.hidden = true;
    panel.replaceChildren();
    draw(null, null);
    address.set({ p: null });
    map.getContainer().focus({ preventScroll: true });
  }

  map.on("click", (event) => show(event.latlng.wrap()));
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.target !== map.getContainer()) return;
    if (event.key === "Enter") show(map.getCenter(), { focus: true });
    if (event.key === "Escape" && place) close();
  });
  panel.addEventListener("keydown", (event) => event.key === "Escape" && close());

  const [lon, lat] = (address.get("p") ?? "").split(",").map(Number);
  if (Number.isFinite(lon) && Number.isFinite(lat)) show(L.latLng(lat, lon));
  return { refresh: () => place && show(place) };
}

function say(panel, text) {
  const words = document.createElement("p");
  words.className = "mb-0";
  words.textContent = text;
  panel.replaceChildren(words);
  panel.hidden = false;
}

async function fetchCard(url, vintage, { lat, lng }) {
  const query = new URLSearchParams({ vintage: vintage.id, lon: lng.toFixed(6), lat: lat.toFixed(6) });
  try {
    const response = await fetch(`${url}?${query}`, { headers: { "HX-Request": "true" } });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}
