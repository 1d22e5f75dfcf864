/**
 * The view in the address, after #, so that a link shows the same thing to somebody else:
 * a=year, z, lat, lon, p=lon,lat of the chosen place, on= or off=codes, fond=basemap, o=opacity.
 */
export function openAddress(settings) {
  const values = new URLSearchParams(location.hash.slice(1));
  const share = document.getElementById("share-link");
  const years = new Set(settings.vintages.map((vintage) => String(vintage.year)));
  if (!years.has(values.get("a"))) values.delete("a");

  const hash = () => `#${values.toString().replaceAll("%2C", ",")}`;
  const change = (changes) => {
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") values.delete(name);
      else values.set(name, value);
    }
    share.value = location.origin + location.pathname + hash();
  };
  share.addEventListener("focus", () => share.select());

  return {
    get: (name) => values.get(name),
    number: (name) => (values.has(name) && Number.isFinite(Number(values.get(name))) ? Number(values.get(name)) : null),
    /** Into the link to share only: what the page shows before anybody touched it. */
    note: change,
    set(changes) {
      change(changes);
      history.replaceState(null, "", hash());
    },
  };
}
