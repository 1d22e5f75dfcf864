const FAILURES_BEFORE_GIVING_UP = 3;

/** The background: none, the IGN plan or the IGN orthophotos. When it does not answer, the map goes on without it. */
export function armBasemaps(map, settings, address, notices) {
  const inputs = [...document.querySelectorAll("input[name=basemap]")];
  let layer = null;

  const choose = (id) => {
    layer?.remove();
    layer = null;
    const basemap = settings.basemaps.find((other) => other.id === id);
    map.getContainer().classList.toggle("has-basemap", Boolean(basemap));
    if (basemap) layer = basemapLayer(basemap, giveUp).addTo(map);
  };
  const giveUp = () => {
    inputs[0].checked = true;
    choose(inputs[0].value);
    address.set({ fond: null });
    notices.warn(settings.words.basemap_failed);
  };

  for (const input of inputs) {
    input.addEventListener("change", () => {
      choose(input.value);
      address.set({ fond: input === inputs[0] ? null : input.value });
    });
  }
  const asked = inputs.find((input) => input.value === address.get("fond"));
  if (asked) {
    asked.checked = true;
    choose(asked.value);
  }
}

function basemapLayer({ url, attribution, max_native_zoom }, giveUp) {
  const layer = L.tileLayer(url, { attribution, maxNativeZoom: max_native_zoom, maxZoom: 18, zIndex: 5 });
  let failures = 0;
  let arrived = 0;
  layer.on("tileload", () => (arrived += 1));
  layer.on("tileerror", () => {
    failures += 1;
    if (arrived === 0 && failures === FAILURES_BEFORE_GIVING_UP) giveUp();
  });
  return layer;
}
