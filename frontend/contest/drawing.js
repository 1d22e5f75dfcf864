import "@geoman-io/leaflet-geoman-free";

const SNAP_PX = 18;
const STYLE = { className: "drawn-outline" };
const RADIUS_M = 6_371_008.8;

/** One outline, drawn point after point, closed, moved, cleared; the form's hidden field holds it as GeoJSON. */
export function armDrawing(form, map, { words }, { notices, chosen }) {
  const field = form.querySelector("[name=outline]");
  const find = (name) => form.querySelector(`[data-${name}]`);
  const [tools, drawingTools, hint, line, lineWords, editButton] = ["tools", "drawing-tools", "hint", "drawn", "drawn-words", "outline-edit"].map(find);
  const modes = [...form.querySelectorAll("[data-mode]")];
  const listeners = [];
  let layer = null;
  let mode = "choose";
  let moving = false;

  tools.hidden = false;
  map.pm.setLang(
    "bioccia",
    { tooltips: { firstVertex: words.drawing_tooltip_first, continueLine: words.drawing_tooltip_next, finishPoly: words.drawing_tooltip_finish } },
    "en",
  );
  map.pm.setGlobalOptions({ snapDistance: SNAP_PX, allowSelfIntersection: false, pathOptions: STYLE });

  function setMode(next) {
    mode = next;
    if (next === "draw") {
      stopMoving();
      map.pm.enableDraw("Polygon", { snappable: true, snapDistance: SNAP_PX, pathOptions: STYLE, templineStyle: { className: "drawn-line" }, hintlineStyle: { className: "drawn-line drawn-line--hint" } });
    } else map.pm.disableDraw();
    modes.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.mode === next)));
    drawingTools.hidden = next !== "draw";
    sayMode();
    listeners.forEach((listen) => listen());
  }

  function sayMode() {
    const keys = Object.assign(document.createElement("span"), { className: "contest-tools__keys", textContent: words[`keys_${mode}`] });
    hint.replaceChildren(words[`mode_${mode}`], " ", keys);
  }

  function keep(drawn) {
    layer?.remove();
    layer = drawn.addTo(map);
    layer.on("pm:edit pm:vertexremoved pm:markerdragend", note);
    note();
  }

  function note() {
    const shape = layer?.toGeoJSON(7).geometry ?? null;
    field.value = shape ? JSON.stringify(shape) : "";
    line.hidden = !shape;
    if (shape) lineWords.textContent = words.drawn.replace("%(area)s", hectares(layer));
    chosen.redraw();
    listeners.forEach((listen) => listen());
  }

  function stopMoving() {
    moving = false;
    layer?.pm.disable();
    editButton.setAttribute("aria-pressed", "false");
  }

  map.on("pm:create", (event) => {
    keep(event.layer);
    setMode("choose");
  });
  modes.forEach((button) => button.addEventListener("click", () => {
    setMode(button.dataset.mode);
    if (button.dataset.mode === "draw") map.getContainer().focus({ preventScroll: true });
  }));
  find("draw-undo").addEventListener("click", undo);
  find("draw-finish").addEventListener("click", finish);
  find("draw-cancel").addEventListener("click", () => setMode("choose"));
  editButton.addEventListener("click", () => {
    if (!layer) return;
    if (moving) return void (stopMoving(), setMode("choose"));
    setMode("choose");
    moving = true;
    layer.pm.enable({ allowSelfIntersection: false, snapDistance: SNAP_PX });
    editButton.setAttribute("aria-pressed", "true");
    hint.textContent = words.mode_edit;
  });
  find("outline-clear").addEventListener("click", () => {
    clear();
    hint.textContent = words.outline_cleared;
    map.getContainer().focus({ preventScroll: true });
  });

  function clear() {
    stopMoving();
    layer?.remove();
    layer = null;
    note();
  }

  const points = () => map.pm.Draw.Polygon._layer?.getLatLngs().flat() ?? [];

  function undo() {
    if (points().length > 1) map.pm.Draw.Polygon._removeLastVertex();
    else setMode("draw");
  }

  function finish() {
    if (points().length < 3) return notices.warn(words.not_enough_points);
    map.pm.Draw.Polygon._finishShape();
    if (mode === "draw") notices.warn(words.self_crossing);
  }

  map.getContainer().addEventListener("keydown", (event) => {
    if (mode !== "draw" || event.target !== map.getContainer()) return;
    const keys = { Enter: placePoint, Backspace: undo, Escape: () => setMode("choose") };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // What a pointer does, in the middle of the map: the same listeners snap and place.
  function placePoint() {
    const middle = { latlng: map.getCenter(), originalEvent: {} };
    map.fire("mousemove", middle);
    map.fire("click", middle);
  }

  if (field.value) open(field.value);
  setMode("choose");

  function open(text) {
    try {
      const [first] = L.geoJSON(JSON.parse(text), STYLE).getLayers();
      if (first) keep(first);
    } catch {
      field.value = "";
    }
  }

  return {
    isBusy: () => mode === "draw" || moving,
    isDrawing: () => mode === "draw",
    hasOutline: () => layer !== null,
    say: (text) => (text ? (hint.textContent = text) : sayMode()),
    whenChanged: (listen) => listeners.push(listen),
    open,
    clear,
    fit() {
      if (!layer) return false;
      map.fitBounds(layer.getBounds(), { maxZoom: 16, padding: [40, 40] });
      return true;
    },
  };
}

/** The area of a small outline on the sphere, by its rings: good to a hundredth, enough to say it. */
function hectares(layer) {
  const rings = (shape) => (Array.isArray(shape[0]) ? shape.flatMap(rings) : [shape]);
  const area = rings(layer.getLatLngs()).reduce((sum, ring, position) => sum + (position ? -1 : 1) * ringArea(ring), 0);
  return new Intl.NumberFormat(document.documentElement.lang, { maximumSignificantDigits: 3 }).format(Math.abs(area) / 10_000);
}

function ringArea(ring) {
  const radians = (degrees) => (degrees * Math.PI) / 180;
  const sum = ring.reduce((total, point, position) => {
    const next = ring[(position + 1) % ring.length];
    return total + radians(next.lng - point.lng) * (2 + Math.sin(radians(point.lat)) + Math.sin(radians(next.lat)));
  }, 0);
  return Math.abs((sum * RADIUS_M ** 2) / 2);
}
