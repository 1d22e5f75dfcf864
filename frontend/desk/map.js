import { addPanes } from "../map/drawing.js";
import { habitatLayer } from "../map/habitats.js";
import { outlineLayers } from "../map/outlines.js";
import { armGrounds } from "./grounds.js";

const CLOSEST_ZOOM = 17;

/**
 * The map of one report: habitats below, contested polygons, the author's outline, neighbours by name, other reports.
 * What it shows is written in the tables under it.
 */
export function drawDeskMap(element) {
  if (!element) return null;
  const settings = JSON.parse(document.getElementById(element.dataset.deskMap).textContent);
  const said = document.querySelector("[data-map-said]");
  const say = (text) => {
    said.textContent = text;
    said.hidden = !text;
  };
  const map = makeMap(element, settings);
  const habitats = addHabitats(map, settings);
  const layers = addPlaces(map, settings);
  armGrounds(map, settings, habitats, () => say(settings.words.basemap_failed));
  armMoments(map, settings, layers);
  document.querySelector("[data-map-tools]").hidden = false;
  return { map, settings, say };
}

function makeMap(element, { bounds, words }) {
  const moves = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const animation = { zoomAnimation: moves, fadeAnimation: moves, inertia: moves };
  // The wheel scrolls the page, which is long; with Ctrl it zooms, as the browser's own zoom would.
  const map = L.map(element, { zoomControl: false, minZoom: 7, maxZoom: 19, scrollWheelZoom: false, ...animation });
  map.attributionControl.setPrefix("Leaflet");
  L.control.zoom({ position: "topright", zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
  L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 140 }).addTo(map);
  map.fitBounds(bounds, { padding: [70, 70], maxZoom: CLOSEST_ZOOM });
  element.addEventListener("focusin", () => map.scrollWheelZoom.enable());
  element.addEventListener("focusout", () => map.scrollWheelZoom.disable());
  addPanes(map);
  return map;
}

function addHabitats(map, { tiles, outlines, colors }) {
  for (const layer of outlineLayers({ outlines })) layer.addTo(map);
  if (!tiles) return null;
  // The sources are written at the foot of every page.
  const drawn = { attribution: "", colors: new Map(Object.entries(colors)), hidden: new Set(), pane: "shown" };
  return habitatLayer({ tiles }, drawn).addTo(map);
}

function addPlaces(map, { contested, neighbours, outline, reports, words }) {
  const shapes = (places, className, label) =>
    L.featureGroup(
      places.map((place) => named(L.geoJSON(place.geometry, { interactive: false, style: { className } }), place, label)),
    ).addTo(map);
  shapes(neighbours, "desk-shape desk-shape--neighbour", "desk-name");
  const layer = shapes(contested, "desk-shape desk-shape--contested", "desk-name desk-name--contested");
  if (outline) L.geoJSON(outline, { interactive: false, style: { className: "desk-shape desk-shape--outline" } }).addTo(map);
  for (const { number, state, code, at } of reports) {
    const text = `${words.report.replace("%(number)s", number).replace("%(state)s", state)}${code ? ` → ${code}` : ""}`;
    L.circleMarker(at, { radius: 6, className: "desk-report" }).bindTooltip(asText(text)).addTo(map);
  }
  return { contested: layer };
}

// Leaflet writes a string as HTML; an element holds its text.
function asText(text) {
  return Object.assign(document.createElement("span"), { textContent: text });
}

/** The code of a habitat on its polygon; the colour below is not enough to tell it. */
function named(layer, { code }, className) {
  return layer.bindTooltip(asText(code), { permanent: true, direction: "center", className, interactive: false });
}

/** Before and after the proposal: its ground takes the colour of the habitat decided. */
function armMoments(map, { decided, colors }, layers) {
  if (!decided) return;
  const color = colors[decided.code] ?? "#999999";
  const style = { color: "#1b2a26", weight: 3, fillColor: color, fillOpacity: 1 };
  const after = L.featureGroup(decided.shapes.map((shape) => named(L.geoJSON(shape, { interactive: false, style }), decided, "desk-name desk-name--contested")));
  for (const input of document.querySelectorAll("input[name=moment]")) {
    input.addEventListener("change", () => {
      const isAfter = input.value === "after";
      layers.contested.eachLayer((layer) => (isAfter ? layer.closeTooltip() : layer.openTooltip()));
      if (isAfter) after.addTo(map);
      else after.remove();
    });
  }
}
