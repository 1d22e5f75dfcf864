import { plain } from "../site/plain.js";

/** The legend as a filter: habitats on and off, search by name, only those in view. */
export function armLegend(map, settings, address, { years, drawing }) {
  const list = document.getElementById("legend-list");
  if (!list) return;
  const rows = [...list.querySelectorAll("[data-legend-row]")].map((element) => ({
    element,
    box: element.querySelector("input"),
    text: plain(element.textContent),
  }));
  readAddress(rows, address);

  const search = document.getElementById("legend-search");
  const onlyInView = document.getElementById("legend-in-view");
  let inView = null;

  const filter = () => {
    const asked = plain(search.value);
    let found = 0;
    for (const row of rows) {
      const kept = row.text.includes(asked) && (!inView || inView.has(row.box.value));
      row.element.hidden = !kept;
      found += kept;
    }
    document.getElementById("legend-empty").hidden = found > 0;
  };
  const look = async () => {
    inView = onlyInView.checked ? await drawing.codesInView() : null;
    filter();
  };
  const apply = () => {
    drawing.hidden.clear();
    for (const { box } of rows) if (!box.checked) drawing.hidden.add(box.value);
    drawing.redraw();
    writeAddress(rows, address);
    count(rows, settings.words);
  };
  const tick = (checked) => {
    for (const row of rows) if (!row.element.hidden) row.box.checked = checked;
    apply();
  };

  list.addEventListener("change", apply);
  search.addEventListener("input", filter);
  onlyInView.addEventListener("change", look);
  map.on("moveend", () => onlyInView.checked && look());
  years.whenChanged(() => onlyInView.checked && look());
  document.querySelector("[data-legend-all]").addEventListener("click", () => tick(true));
  document.querySelector("[data-legend-none]").addEventListener("click", () => tick(false));
  if (rows.some(({ box }) => !box.checked)) apply();
  count(rows, settings.words);
}

function count(rows, words) {
  const shown = rows.filter(({ box }) => box.checked).length;
  document.getElementById("legend-count").textContent = words.shown_count
    .replace("%(shown)s", shown)
    .replace("%(total)s", rows.length);
}

// The shorter of the two lists goes into the address: codes that are on, or codes that are off.
function writeAddress(rows, address) {
  const on = rows.filter(({ box }) => box.checked).map(({ box }) => box.value);
  const off = rows.filter(({ box }) => !box.checked).map(({ box }) => box.value);
  const fewOn = on.length > 0 && on.length < off.length;
  address.set({ on: fewOn ? on.join(",") : null, off: !fewOn && off.length ? off.join(",") : null });
}

function readAddress(rows, address) {
  const on = address.get("on")?.split(",");
  const off = address.get("off")?.split(",") ?? [];
  for (const { box } of rows) box.checked = on ? on.includes(box.value) : !off.includes(box.value);
}
