import { leafletLayer } from "protomaps-leaflet";

/**
 * A source of vector tiles that says when it works and when it fails. protomaps-leaflet takes any object with `getZxy`
 * for an archive of tiles: this is how a failed answer is told from an empty tile.
 */
export function tileSource(template, { onBusy = () => {}, onFailure = () => {} } = {}) {
  const known = new Map();
  return {
    getZxy(z, x, y, signal) {
      const url = template.replace("{z}", z).replace("{x}", x).replace("{y}", y);
      if (!known.has(url)) {
        const answer = fetchTile(url, { onBusy, onFailure });
        known.set(url, answer);
        answer.then((data) => data === null && known.delete(url));
      }
      return Promise.race([known.get(url), aborted(signal)]).then((data) => (data ? { data } : undefined));
    },
  };
}

async function fetchTile(url, { onBusy, onFailure }) {
  onBusy(1);
  try {
    const response = await fetch(url, { credentials: "same-origin" });
    if (response.ok) return await response.arrayBuffer();
    onFailure(response.status);
  } catch {
    onFailure(0);
  } finally {
    onBusy(-1);
  }
  return null;
}

// A tile of a zoom that was left stays in the memory above, but is not drawn.
function aborted(signal) {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new DOMException("left this zoom", "AbortError")), { once: true });
  });
}

/** A Leaflet layer that draws a source by rules. */
export function vectorLayer(options) {
  return leafletLayer({
    attribution: "",
    lang: document.documentElement.lang,
    noWrap: true,
    updateWhenZooming: false,
    keepBuffer: 1,
    maxDataZoom: 14,
    ...options,
  });
}
