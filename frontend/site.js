// Every page: the menus, the buttons that copy, the fields that send their form.
import { armDisclosures, armMenu } from "./site/menu.js";
import { armCopyButtons } from "./site/copy.js";
import { armAutoSubmit } from "./site/autosubmit.js";

document.documentElement.classList.add("has-script"); // what only serves without scripts may hide
armMenu();
armDisclosures();
armCopyButtons();
armAutoSubmit();
