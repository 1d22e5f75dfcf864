// The page of one report at the desk: its map, its decision form, its lock, its shortcuts.
import { armChoices } from "./desk/choices.js";
import { armDrawing } from "./desk/drawing.js";
import { armEffect } from "./desk/effect.js";
import { armKept } from "./desk/kept.js";
import { armLock } from "./desk/lock.js";
import { armShortcuts } from "./desk/shortcuts.js";
import { drawDeskMap } from "./desk/map.js";

const form = document.querySelector("[data-decision]");
const desk = drawDeskMap(document.querySelector("[data-desk-map]"));
const effect = armEffect(form);
armKept(form);
armChoices(form, effect);
armDrawing(form, desk, effect);
armLock(document.querySelector("[data-lock]"));
armShortcuts(document.querySelector("[data-keys]"));
document.querySelector("[data-takes-focus]")?.focus();
