/** On a phone the panel is a sheet at the bottom of the map: closed it leaves its handle, open it takes half the screen. */
export function armSheet(map) {
  const panel = document.getElementById("map-panel");
  const handle = panel.querySelector("[data-sheet-handle]");
  const words = panel.querySelector("[data-sheet-words]");

  const set = (open) => {
    panel.classList.toggle("is-open", open);
    handle.setAttribute("aria-expanded", String(open));
    words.textContent = open ? words.dataset.open : words.dataset.closed;
  };
  handle.addEventListener("click", () => set(handle.getAttribute("aria-expanded") !== "true"));
  if (!document.querySelector("input[name=vintage]")) set(true); // what is missing is said there
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());

  /** How much of the map's bottom the sheet hides, in pixels. */
  const covered = () => {
    const box = map.getContainer().getBoundingClientRect();
    const sheet = panel.getBoundingClientRect();
    return sheet.left >= box.right || sheet.right <= box.left ? 0 : Math.max(0, box.bottom - sheet.top);
  };
  return {
    open: () => set(true),
    close: () => set(false),
    /** Move the map, if it must, so that a place is seen beside the sheet and the controls. */
    reveal: (latlng) => map.panInside(latlng, { paddingTopLeft: [30, 80], paddingBottomRight: [60, covered() + 40] }),
    fit: (bounds) => map.fitBounds(bounds, { paddingBottomRight: [0, covered()] }),
  };
}
