import { habitatLayer } from "./habitats.js";

const OLD_LAYER_LIFE_MS = 4_000;
const PANES = { shown: 210, compared: 211, names: 350 };

/** Draws vintages, each in a pane of its own, with one filter and one opacity for all. */
export function makeDrawing(map, settings, notices) {
  const colors = new Map(settings.legend.map((entry) => [entry.code, entry.color]));
  const attribution = escaped(settings.attribution);
  const hidden = new Set();
  const layers = new Map();
  let opacity = 1;

  /** Show a vintage in a pane, or nothing. The old map stays until the new one is drawn: change is seen as change. */
  function draw(pane, vintage) {
    const old = layers.get(pane);
    layers.delete(pane);
    if (!vintage) return old?.remove();
    const onFailure = () => notices.warn(settings.words.tiles_failed, () => draw(pane, vintage));
    const layer = habitatLayer(vintage, { colors, hidden, attribution, pane, hooks: { onBusy: notices.count, onFailure } });
    layers.set(pane, layer);
    layer.setOpacity(opacity).addTo(map);
    if (!old) return;
    layer.once("load", () => old.remove());
    setTimeout(() => old.remove(), OLD_LAYER_LIFE_MS);
  }

  return {
    hidden,
    draw,
    redraw: () => layers.forEach((layer) => layer.rerenderTiles()),
    codesInView: () => layers.get("shown")?.codesInView(map) ?? Promise.resolve(new Set()),
    setOpacity(value) {
      opacity = value;
      layers.forEach((layer) => layer.setOpacity(value));
    },
  };
}

/** The panes that keep names above habitats, and let each vintage be cut by the curtain. */
export function addPanes(map) {
  for (const [name, level] of Object.entries(PANES)) {
    const pane = map.createPane(name);
    pane.style.zIndex = level;
    pane.classList.add("leaflet-tile-pane"); // as Leaflet's own pane of tiles: no pointer, no selection
  }
}

// Leaflet writes attributions as HTML.
function escaped(text) {
  return Object.assign(document.createElement("span"), { textContent: text }).innerHTML;
}
