import { CenteredTextSymbolizer, LineSymbolizer, PolygonSymbolizer } from "protomaps-leaflet";
import { tileSource, vectorLayer } from "./tiles.js";

const INK = "#1b2a26";

/** Land below the habitats, limits and names above: the map says where it is when no basemap answers. */
export function outlineLayers({ outlines }) {
  const source = tileSource(outlines);
  return [landLayer(source), namesLayer(source)];
}

function landLayer(source) {
  const land = new PolygonSymbolizer({ fill: "#fffdf8", stroke: "#cfc8b6", width: 1 });
  return vectorLayer({ url: source, zIndex: 1, className: "land-layer", paintRules: [{ dataLayer: "outlines", symbolizer: land }] });
}

function namesLayer(source) {
  const limit = (kind, symbolizer, minzoom = 0) => ({
    dataLayer: "outlines",
    symbolizer,
    minzoom,
    filter: (_zoom, feature) => feature.props.kind === kind,
  });
  const name = (kind, font, zooms, fill = INK) => ({
    dataLayer: "names",
    ...zooms,
    filter: (zoom, feature) => feature.props.kind === kind && isLarge(feature.props.area, zoom),
    sort: (one, other) => other.area - one.area,
    symbolizer: new CenteredTextSymbolizer({ labelProps: ["name"], font, fill, stroke: "#fff", width: 3 }),
  });
  return vectorLayer({
    url: source,
    pane: "names",
    paintRules: [
      limit("commune", new LineSymbolizer({ color: INK, width: 0.8, opacity: (zoom) => (zoom < 12 ? 0.3 : 0.55) }), 10),
      limit("department", new LineSymbolizer({ color: INK, width: 1.8, opacity: 0.7 })),
    ],
    labelRules: [
      name("department", "700 14px sans-serif", { maxzoom: 10 }),
      name("commune", "600 12px sans-serif", { minzoom: 10 }),
    ],
  });
}

// Few names from afar: a commune is named once it covers some room on the screen.
function isLarge(areaHa, zoom) {
  return zoom >= 13 || areaHa * 4 ** (zoom - 11) > 1_000;
}
