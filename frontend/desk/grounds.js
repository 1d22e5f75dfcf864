const FAILURES_BEFORE_GIVING_UP = 3;

/** The background, and how strongly the habitats are drawn over it. A background that does not answer is said and left. */
export function armGrounds(map, { basemaps }, habitats, sayFailed) {
  const select = document.querySelector("[data-basemap]");
  const opacity = document.querySelector("[data-habitat-opacity]");
  let ground = null;

  const choose = (id) => {
    ground?.remove();
    ground = null;
    const basemap = basemaps.find((other) => other.id === id);
    map.getContainer().classList.toggle("has-basemap", Boolean(basemap));
    if (!basemap) return;
    const { url, attribution, max_native_zoom } = basemap;
    ground = L.tileLayer(url, { attribution, maxNativeZoom: max_native_zoom, maxZoom: 19, zIndex: 5 }).addTo(map);
    giveUpWhenSilent(ground, () => {
      select.value = "";
      choose("");
      sayFailed();
    });
  };
  select.addEventListener("change", () => choose(select.value));
  const fade = () => habitats?.setOpacity(opacity.value / 100);
  opacity.addEventListener("input", fade);
  fade();
}

function giveUpWhenSilent(layer, giveUp) {
  let failures = 0;
  let arrived = 0;
  layer.on("tileload", () => (arrived += 1));
  layer.on("tileerror", () => {
    failures += 1;
    if (arrived === 0 && failures === FAILURES_BEFORE_GIVING_UP) giveUp();
  });
}
