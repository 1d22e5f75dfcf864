import { makeOutline } from "../drawing/outline.js";

/** The adjudicator's own outline: drawn or redrawn on the map, sent with the form as GeoJSON. */
export function armDrawing(form, desk, effect) {
  if (!form || !desk) return;
  const { map, settings, say } = desk;
  const find = (selector) => form.querySelector(selector);
  const [draw, finish, clear, fromAuthor] = ["draw", "draw-finish", "draw-clear", "draw-from-author"].map((name) => find(`[data-${name}]`));
  const mark = document.querySelector("[data-drawn-mark]");

  const outline = makeOutline(map, {
    whenDrawing: (isDrawing) => (finish.hidden = !isDrawing),
    whenChanged(shape) {
      form.elements.outline.value = shape ? JSON.stringify(shape) : "";
      clear.disabled = !shape;
      mark.hidden = !shape;
      say(shape ? settings.words.outline_ready : "");
      effect.count();
    },
  });
  const choose = () => (form.querySelector("[name=scope][value=drawn]").checked = true);

  draw.addEventListener("click", () => {
    choose();
    say(settings.words.drawing);
    outline.draw();
    map.getContainer().scrollIntoView({ block: "nearest" });
  });
  fromAuthor?.addEventListener("click", () => {
    choose();
    outline.show(settings.outline);
  });
  finish.addEventListener("click", () => {
    if (!outline.finish()) say(settings.words.too_few_corners);
  });
  clear.addEventListener("click", () => outline.clear());
  find("[data-draw-tools]").hidden = false;
  if (form.elements.outline.value) outline.show(JSON.parse(form.elements.outline.value));
}
