// The table twin: suggestions under the field of the commune.
import { armPlaceField } from "./site/place-field.js";

armPlaceField(document.querySelector("[data-commune-field]"));
