// The public map. Each module keeps one behaviour; the view's address (after #) is the one state they share.
import { armBasemaps } from "./map/basemaps.js";
import { armCards } from "./map/card.js";
import { armCompare } from "./map/compare.js";
import { armCommuneSearch } from "./site/commune-search.js";
import { armLegend } from "./map/legend.js";
import { armNotices } from "./map/notices.js";
import { armOpacity } from "./map/opacity.js";
import { armSheet } from "./map/sheet.js";
import { armYears } from "./map/years.js";
import { makeDrawing } from "./map/drawing.js";
import { outlineLayers } from "./map/outlines.js";
import { makeMap } from "./map/view.js";
import { openAddress } from "./map/address.js";

const settings = JSON.parse(document.getElementById("map-settings").textContent);
const address = openAddress(settings);
const notices = armNotices(settings.words);
const map = makeMap(settings, address, notices);
const sheet = armSheet(map);
const drawing = makeDrawing(map, settings, notices);
const years = armYears(settings, address, drawing);
// After the habitats: a browser asks for six things at a time, and these are what people came for.
for (const layer of outlineLayers(settings)) layer.addTo(map);
armCompare(map, settings, address, years, drawing);
armOpacity(drawing, address);
armLegend(map, settings, address, { years, drawing });
armBasemaps(map, settings, address, notices);
const cards = armCards(map, settings, address, years, sheet);
armCommuneSearch(document.querySelector("[data-commune-search]"), settings.words, (place) => {
  const [west, south, east, north] = place.box;
  sheet.fit([[south, west], [north, east]]);
  map.getContainer().focus({ preventScroll: true });
});
years.whenChanged(cards.refresh);
