import { addPanes } from "../map/drawing.js";
import { outlineLayers } from "../map/outlines.js";

/** Where relevés are, each leading to its page; in the form, a click gives the coordinates. The fields say the same. */
export function drawReleveMap() {
  const element = document.querySelector("[data-releve-map]");
  if (!element) return;
  const settings = JSON.parse(document.getElementById(element.dataset.releveMap).textContent);
  const { words } = settings;
  const map = L.map(element, { zoomControl: false, scrollWheelZoom: settings.picks, maxZoom: 18, zoomAnimation: false });
  L.control.zoom({ position: "topright", zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  map.attributionControl.setPrefix("Leaflet");
  addPanes(map);
  map.fitBounds(settings.bounds, { padding: [24, 24], maxZoom: 15 });
  for (const layer of outlineLayers(settings)) layer.addTo(map);
  if (settings.picks) armPicking(map, words);
  else for (const point of settings.points) drawPoint(map, point);
}

function drawPoint(map, { name, url, lat, lon }) {
  const mark = L.circleMarker([lat, lon], { radius: 7, className: "releve-mark", interactive: Boolean(url) }).addTo(map);
  if (!url) return;
  const label = Object.assign(document.createElement("span"), { textContent: name });
  mark.bindTooltip(label).on("click", () => location.assign(url));
}

/** The point of the form and its two fields follow each other. */
function armPicking(map, words) {
  const longitude = document.getElementById("id_longitude");
  const latitude = document.getElementById("id_latitude");
  const mark = L.circleMarker([0, 0], { radius: 9, className: "releve-mark releve-mark--chosen", interactive: false });
  const number = (field) => Number.parseFloat(field.value.replace(",", "."));

  function show() {
    const place = [number(latitude), number(longitude)];
    if (place.some(Number.isNaN)) return mark.remove();
    mark.setLatLng(place).addTo(map);
    if (!map.getBounds().contains(place)) map.panTo(place, { animate: false });
  }
  map.on("click", ({ latlng }) => {
    const { lat, lng } = latlng.wrap();
    latitude.value = lat.toFixed(6);
    longitude.value = lng.toFixed(6);
    show();
  });
  for (const field of [longitude, latitude]) field.addEventListener("change", show);
  map.getContainer().setAttribute("aria-label", words.chosen);
  show();
}
