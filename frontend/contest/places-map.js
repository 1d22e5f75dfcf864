import { addPanes } from "../map/drawing.js";
import { habitatLayer } from "../map/habitats.js";
import { outlineLayers } from "../map/outlines.js";

/** Where reports are: their outlines over limits and names; each leads to its page. The list beside it says the same. */
export function drawPlaces() {
  const element = document.querySelector("[data-places-map]");
  if (!element) return;
  const settings = JSON.parse(document.getElementById(element.dataset.placesMap).textContent);
  const map = L.map(element, { zoomControl: false, scrollWheelZoom: false, maxZoom: 18, zoomAnimation: false });
  L.control.zoom({ position: "topright", zoomInTitle: settings.words.zoom_in, zoomOutTitle: settings.words.zoom_out }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  map.attributionControl.setPrefix("Leaflet");
  addPanes(map);
  map.fitBounds(settings.bounds, { padding: [24, 24], maxZoom: 16 });
  for (const layer of outlineLayers(settings)) layer.addTo(map);
  if (settings.tiles) {
    const attribution = Object.assign(document.createElement("span"), { textContent: settings.attribution }).innerHTML;
    habitatLayer(settings, { colors: new Map(Object.entries(settings.colors)), hidden: new Set(), pane: "shown", attribution }).addTo(map);
  }
  for (const place of settings.places) drawPlace(map, place, settings.places.length > 1);
}

function drawPlace(map, { name, url, kind, outline }, leads) {
  const layer = L.geoJSON(outline, { className: `report-place report-place--${kind}`, interactive: leads }).addTo(map);
  if (!leads) return;
  const middle = layer.getBounds().getCenter();
  const marker = L.circleMarker(middle, { radius: 7, className: `report-mark report-place--${kind}` }).addTo(map);
  for (const target of [layer, marker]) target.bindTooltip(name).on("click", () => location.assign(url));
}
