import { addPanes } from "./drawing.js";

/** The Leaflet map with its controls, moved to where the address says, else to the whole region. */
export function makeMap(settings, address, notices) {
  const { words } = settings;
  const moves = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const animation = { zoomAnimation: moves, fadeAnimation: moves, inertia: moves };
  const map = L.map("map", { zoomControl: false, minZoom: 5, maxZoom: 18, maxBoundsViscosity: 0.6, ...animation });
  map.attributionControl.setPrefix("Leaflet");
  L.control.zoom({ position: "topright", zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
  L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 140 }).addTo(map);
  addButtons(map, settings, notices);
  addCoordinates(map, words);

  const bounds = L.latLngBounds(settings.bounds);
  map.setMaxBounds(bounds.pad(1.5));
  const [lat, lon, zoom] = ["lat", "lon", "z"].map(address.number);
  if (lat !== null && lon !== null) map.setView([lat, lon], zoom ?? 14);
  else map.fitBounds(bounds, { padding: [8, 8] });
  const position = () => ({ z: map.getZoom(), lat: map.getCenter().lat.toFixed(5), lon: map.getCenter().lng.toFixed(5) });
  address.note(position());
  map.on("moveend", () => address.set(position()));

  addPanes(map);
  return map;
}

function addButtons(map, { words, bounds }, notices) {
  const control = L.control({ position: "topright" });
  control.onAdd = () => {
    const bar = L.DomUtil.create("div", "leaflet-bar map-buttons");
    bar.append(
      button(words.whole_region, "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5", () => map.fitBounds(bounds)),
      button(words.locate, "M12 2v4M12 18v4M2 12h4M18 12h4M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10z", () => locate(map)),
    );
    L.DomEvent.disableClickPropagation(bar);
    return bar;
  };
  control.addTo(map);

  let here = null;
  map.on("locationfound", ({ latlng, accuracy }) => {
    here?.remove();
    here = null;
    if (!L.latLngBounds(bounds).contains(latlng)) return notices.warn(words.position_outside);
    here = L.circle(latlng, { radius: accuracy, color: "#0b57d0", weight: 2, fillOpacity: 0.15 }).addTo(map);
    here.bindTooltip(words.you_are_here);
    map.setView(latlng, Math.max(map.getZoom(), 14));
  });
  map.on("locationerror", () => notices.warn(words.no_position));
}

function locate(map) {
  map.locate({ enableHighAccuracy: true, timeout: 10_000 });
}

function button(title, path, act) {
  const element = L.DomUtil.create("a", "");
  Object.assign(element, { href: "#", title });
  element.setAttribute("role", "button");
  element.setAttribute("aria-label", title);
  element.innerHTML = `<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="${path}" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/></svg>`;
  L.DomEvent.on(element, "click", (event) => {
    L.DomEvent.stop(event);
    act();
  });
  return element;
}

/** Where the pointer is; without a pointer, where the middle of the map is. */
function addCoordinates(map, words) {
  const control = L.control({ position: "bottomleft" });
  let output = null;
  const say = ({ lat, lng }) => (output.textContent = `${lat.toFixed(5)}, ${lng.toFixed(5)}`);
  control.onAdd = () => {
    output = L.DomUtil.create("output", "map-coordinates");
    output.title = words.coordinates;
    return output;
  };
  control.addTo(map);
  map.on("mousemove", (event) => say(event.latlng.wrap()));
  map.on("move", () => say(map.getCenter()));
}
