import { addPanes } from "../map/drawing.js";
import { habitatLayer } from "../map/habitats.js";
import { outlineLayers } from "../map/outlines.js";

/** A small still map: the vintage and the territory's outline. Its words stand below it, for those who cannot see it. */
export function drawLocator() {
  const element = document.querySelector("[data-locator]");
  if (!element) return;
  const { outline, bounds, tiles, outlines, colors } = JSON.parse(document.getElementById(element.dataset.locator).textContent);
  const map = L.map(element, {
    zoomControl: false,
    attributionControl: false,
    dragging: false,
    scrollWheelZoom: false,
    doubleClickZoom: false,
    boxZoom: false,
    touchZoom: false,
    keyboard: false,
  });
  addPanes(map);
  map.fitBounds(bounds, { padding: [14, 14] });
  for (const layer of outlineLayers({ outlines })) layer.addTo(map);
  habitatLayer({ tiles }, { colors: new Map(Object.entries(colors)), hidden: new Set(), pane: "shown" }).addTo(map);
  L.geoJSON(outline, { interactive: false, style: { color: "#1b2a26", weight: 3, fill: false } }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
}
