// The contestation: choose polygons or draw an outline on the map, say what it should be, keep a draft, send it.
import { armChosen } from "./contest/chosen.js";
import { armChoosing } from "./contest/choosing.js";
import { armDraft } from "./contest/draft.js";
import { armDrawing } from "./contest/drawing.js";
import { armHabitatField } from "./contest/habitat-field.js";
import { armInterest } from "./contest/interest.js";
import { armPhotos } from "./contest/photos.js";
import { armPreset } from "./contest/preset.js";
import { armSnapping } from "./contest/snapping.js";
import { armNotices } from "./map/notices.js";
import { focusFirstError } from "./contest/errors.js";
import { makeContestMap } from "./contest/map.js";

const form = document.querySelector("[data-contest]");
if (form) {
  const settings = JSON.parse(document.getElementById("contest-settings").textContent);
  const notices = armNotices(settings.words);
  const map = makeContestMap(settings, notices);
  const chosen = armChosen(form, map, settings);
  const drawing = armDrawing(form, map, settings, { notices, chosen });
  armSnapping(map, settings, drawing);
  const choosing = armChoosing(form, map, settings, { notices, chosen, drawing });
  const field = armHabitatField(form, settings);
  armPreset(form, { chosen, drawing });
  armInterest(form, settings, { chosen, field });
  const draft = armDraft(form, settings, { chosen, drawing, choosing, field });
  armPhotos(form, settings, draft);
  chosen.fit() || drawing.fit() || choosing.openPlace(settings.focus);
  focusFirstError();
}
