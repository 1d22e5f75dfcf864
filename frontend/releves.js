// Relevés: the small maps, the place of the form, suggestions of habitats, the selection of the desk.
import { armHabitatFields } from "./releves/habitat-field.js";
import { drawReleveMap } from "./releves/map.js";
import { armSelection } from "./releves/selection.js";

drawReleveMap();
armHabitatFields();
armSelection();
