// Partial pages. htmx writes no style and evaluates nothing here: the page's policy forbids both.
import htmx from "htmx.org";

htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.historyCacheSize = 0;
window.htmx = htmx;
