// Labelling audit points by the keyboard.
import { armLabelForm } from "./audit/label.js";

armLabelForm(document.querySelector("[data-label-form]"));
