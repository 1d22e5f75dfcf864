import { habitatLayer } from "./habitats.js";

const OLD_LAYER_LIFE_MS = 4_000;

/** The switch of vintages. The old map stays until the new one is drawn, so that change is seen as change. */
export function armYears(map, settings, address, notices) {
  const byId = new Map(settings.vintages.map((vintage) => [String(vintage.id), vintage]));
  const colors = new Map(settings.legend.map((entry) => [entry.code, entry.color]));
  const hidden = new Set();
  const listeners = [];
  const inputs = [...document.querySelectorAll("input[name=vintage]")];
  const asked = inputs.find((input) => String(byId.get(input.value)?.year) === address.get("a"));
  if (asked) asked.checked = true;
  let layer = null;
  let opacity = 1;
  const attribution = escaped(settings.attribution);

  const current = () => byId.get(inputs.find((input) => input.checked)?.value) ?? null;
  const hooks = {
    onBusy: notices.count,
    onFailure: () => notices.warn(settings.words.tiles_failed, draw),
  };

  function draw() {
    const vintage = current();
    if (!vintage) return;
    const old = layer;
    layer = habitatLayer(vintage, { colors, hidden, hooks, attribution });
    layer.setOpacity(opacity).addTo(map);
    if (old) {
      const drop = () => old.remove();
      layer.once("load", drop);
      setTimeout(drop, OLD_LAYER_LIFE_MS);
    }
  }

  for (const input of inputs) {
    input.addEventListener("change", () => {
      address.set({ a: current().year });
      draw();
      for (const listener of listeners) listener(current());
    });
  }
  draw();
  if (current()) address.note({ a: current().year });

  return {
    current,
    hidden,
    whenChanged: (listener) => listeners.push(listener),
    redraw: () => layer?.rerenderTiles(),
    codesInView: () => layer?.codesInView(map) ?? Promise.resolve(new Set()),
    setOpacity(value) {
      opacity = value;
      layer?.setOpacity(value);
    },
  };
}

// Leaflet writes attributions as HTML.
function escaped(text) {
  return Object.assign(document.createElement("span"), { textContent: text }).innerHTML;
}
