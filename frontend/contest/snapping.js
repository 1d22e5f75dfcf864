const FIRST_ZOOM = 14;
const MOST = 600;

/** While somebody draws, the outlines of the polygons in view: what the pointer comes close to, it holds on to. */
export function armSnapping(map, settings, drawing) {
  const layers = L.featureGroup();
  let asked = "";

  async function refresh() {
    if (!drawing.isBusy() || !settings.vintage) {
      asked = "";
      return layers.clearLayers().remove();
    }
    if (map.getZoom() < FIRST_ZOOM) {
      layers.clearLayers();
      asked = "";
      return drawing.say(settings.words.zoom_to_snap);
    }
    const url = `${settings.polygons}?${new URLSearchParams({ vintage: settings.vintage.id, bbox: box(map), limit: MOST })}`;
    if (url === asked) return;
    asked = url;
    const page = await read(url);
    if (asked !== url || !page) return;
    layers.clearLayers().addTo(map);
    for (const feature of page.features) L.geoJSON(feature, { interactive: false, className: "snap-outline" }).addTo(layers);
    drawing.say(page.next ? settings.words.too_many_to_snap : "");
  }

  map.on("moveend", refresh);
  drawing.whenChanged(refresh);
}

function box(map) {
  const bounds = map.getBounds().pad(0.05);
  return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((edge) => edge.toFixed(5)).join(",");
}

async function read(url) {
  try {
    const response = await fetch(url, { headers: { Accept: "application/geo+json" } });
    return response.ok ? await response.json() : null;
  } catch {
    return null; // Without limits to hold on to, one still draws.
  }
}
