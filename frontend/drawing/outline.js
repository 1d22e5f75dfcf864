import "@geoman-io/leaflet-geoman-free";

const SNAP_PX = 15;
const LEAST_CORNERS = 3;
const STYLE = { className: "drawn-outline" };

/**
 * One outline drawn by hand on a Leaflet map, its corners moved afterwards; corners snap to what is drawn.
 * `whenChanged` gets the shape as GeoJSON (a Polygon or a MultiPolygon), or null once it is erased; `whenDrawing`, whether
 * corners are being placed.
 */
export function makeOutline(map, { whenChanged, whenDrawing = () => {} }) {
  let layer = null;
  map.pm.setLang(document.documentElement.lang === "fr" ? "fr" : "en");
  map.pm.setGlobalOptions({ snapDistance: SNAP_PX, allowSelfIntersection: false, pathOptions: STYLE });

  const shapeNow = () => {
    const shapes = layer.toGeoJSON();
    return shapes.type === "FeatureCollection" ? shapes.features[0].geometry : shapes.geometry;
  };
  const keep = (drawn) => {
    erase();
    layer = drawn.addTo(map);
    layer.pm.enable({ allowSelfIntersection: false, snapDistance: SNAP_PX });
    layer.on("pm:edit pm:vertexremoved", () => whenChanged(shapeNow()));
    whenChanged(shapeNow());
  };
  const erase = () => {
    map.pm.disableDraw();
    layer?.remove();
    layer = null;
  };
  map.on("pm:drawstart", () => whenDrawing(true));
  map.on("pm:drawend", () => whenDrawing(false));
  map.on("pm:create", (event) => keep(event.layer));
  armKeys(map);

  return {
    draw() {
      erase();
      map.pm.enableDraw("Polygon", { snappable: true, snapDistance: SNAP_PX, allowSelfIntersection: false, pathOptions: STYLE });
    },
    /** Closes the outline that is being drawn; false where it has too few corners, or would cross itself. */
    finish() {
      if (cornersOf(map).length < LEAST_CORNERS) return false;
      map.pm.Draw.Polygon._finishShape();
      return !map.pm.globalDrawModeEnabled();
    },
    show(shape) {
      keep(L.geoJSON(shape, { style: STYLE }));
    },
    clear() {
      erase();
      whenChanged(null);
    },
  };
}

const cornersOf = (map) => map.pm.Draw.Polygon._layer?.getLatLngs().flat() ?? [];

/** Without a pointer: arrows move the map, Enter places a corner in its middle, Backspace takes one back, Escape stops. */
function armKeys(map) {
  const container = map.getContainer();
  const middle = () => {
    const event = { latlng: map.getCenter(), originalEvent: {} };
    map.fire("mousemove", event);
    map.fire("click", event);
  };
  const acts = { Enter: middle, Backspace: () => map.pm.Draw.Polygon._removeLastVertex(), Escape: () => map.pm.disableDraw() };
  container.addEventListener("keydown", (event) => {
    if (!map.pm.globalDrawModeEnabled() || event.target !== container || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
}
