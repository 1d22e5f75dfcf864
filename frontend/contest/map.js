import { armBasemaps } from "../map/basemaps.js";
import { habitatLayer } from "../map/habitats.js";
import { outlineLayers } from "../map/outlines.js";
import { makeMap } from "../map/view.js";

const WORLD = [[-90, -360], [-90, 360], [90, 360], [90, -360]];
const VEIL = 340; // above the habitats, below the names

// The page's address stays that of the draft: the view of the map is not kept in it.
const noAddress = { get: () => null, number: () => null, note() {}, set() {} };

/** The map that is contested: limits and names, habitats, and a veil over what is not the person's territory. */
export function makeContestMap(settings, notices) {
  const map = makeMap(settings, noAddress, notices);
  for (const layer of outlineLayers(settings)) layer.addTo(map);
  if (settings.vintage) drawHabitats(map, settings, notices);
  if (settings.place) drawVeil(map, settings.place);
  armBasemaps(map, settings, noAddress, notices);
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
  return map;
}

function drawHabitats(map, settings, notices) {
  let layer = null;
  const draw = () => {
    layer?.remove();
    layer = habitatLayer(settings.vintage, {
      colors: new Map(settings.legend.map((entry) => [entry.code, entry.color])),
      hidden: new Set(),
      pane: "shown",
      attribution: Object.assign(document.createElement("span"), { textContent: settings.attribution }).innerHTML,
      hooks: { onBusy: notices.count, onFailure: () => notices.warn(settings.words.tiles_failed, draw) },
    }).addTo(map);
  };
  draw();
}

function drawVeil(map, place) {
  map.createPane("veil").style.zIndex = VEIL;
  const parts = place.type === "Polygon" ? [place.coordinates] : place.coordinates;
  const turned = (ring) => ring.map(([lon, lat]) => [lat, lon]);
  const still = { pane: "veil", interactive: false, pmIgnore: true, snapIgnore: true };
  L.polygon([WORLD, ...parts.map(([outer]) => turned(outer))], { ...still, className: "contest-veil" }).addTo(map);
  for (const rings of parts) L.polygon(rings.map(turned), { ...still, className: "contest-border" }).addTo(map);
}
