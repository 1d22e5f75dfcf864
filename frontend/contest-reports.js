// The lists and the pages of reports: their small map.
import { drawPlaces } from "./contest/places-map.js";

drawPlaces();
