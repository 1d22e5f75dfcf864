// The sheet of a territory: where it is, and the printer.
import { drawLocator } from "./territory/locator.js";
import { armPrint } from "./territory/print.js";

drawLocator();
armPrint();
