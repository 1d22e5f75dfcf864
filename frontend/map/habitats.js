import { PolygonSymbolizer } from "protomaps-leaflet";
import { tileSource, vectorLayer } from "./tiles.js";

const FIRST_ZOOM_WITH_LIMITS = 14;

/** The polygons of one vintage in the colours of the legend; `hidden` is the set of codes that are ticked off. */
export function habitatLayer(vintage, { colors, hidden, hooks, attribution, pane }) {
  const fill = (_zoom, feature) => colors.get(feature?.props.c) ?? "#999999";
  const symbolizer = new PolygonSymbolizer({
    fill,
    // Neighbours meet without a seam from afar; from near a thin light line tells them apart.
    stroke: (zoom, feature) => (zoom >= FIRST_ZOOM_WITH_LIMITS ? "#ffffff" : fill(zoom, feature)),
    width: (zoom) => (zoom >= FIRST_ZOOM_WITH_LIMITS ? 0.8 : 0.6),
    perFeature: true,
  });
  const filter = (_zoom, feature) => !hidden.has(feature.props.c);
  const layer = vectorLayer({
    url: tileSource(vintage.tiles, hooks),
    pane,
    attribution,
    className: "habitat-layer",
    paintRules: [{ dataLayer: "polygons", symbolizer, filter }],
  });
  layer.codesInView = (map) => codesInView(layer, map);
  return layer;
}

/** Codes of the tiles that are on the screen, from the tiles already read. */
async function codesInView(layer, map) {
  const [view] = layer.views.values();
  const bounds = map.getPixelBounds();
  const codes = new Set();
  const box = { minX: bounds.min.x, minY: bounds.min.y, maxX: bounds.max.x, maxY: bounds.max.y };
  for (const tile of await view.getBbox(map.getZoom(), box)) {
    for (const feature of tile.data.get("polygons") ?? []) {
      if (touches(feature.bbox, tile, box)) codes.add(feature.props.c);
    }
  }
  return codes;
}

function touches(featureBox, tile, box) {
  const left = tile.origin.x + featureBox.minX * tile.scale;
  const right = tile.origin.x + featureBox.maxX * tile.scale;
  const top = tile.origin.y + featureBox.minY * tile.scale;
  const bottom = tile.origin.y + featureBox.maxY * tile.scale;
  return right >= box.minX && left <= box.maxX && bottom >= box.minY && top <= box.maxY;
}
