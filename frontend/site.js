// Every page: the menu of small screens, and the mark that scripts run (so that nothing hides without them).
import { armMenu } from "./site/menu.js";
import { armCopyButtons } from "./site/copy.js";
import { armAutoSubmit } from "./site/autosubmit.js";

document.documentElement.classList.add("has-script");
armMenu();
armCopyButtons();
armAutoSubmit();
