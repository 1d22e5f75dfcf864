import { keptReports } from "./kept.js";

const IDLE_MS = 2_500;
const RETRY_MS = 15_000;
const CARRIED = ["error_type", "proposed_type", "evidence_type", "observed_on", "confidence", "comment", "declares_interest", "outline", "round"];

/**
 * The draft saves itself when nothing was touched for a while. What the server does not take is kept in this browser and
 * said; sending goes through a saved draft, so that neither a double click nor a lost answer doubles anything.
 */
export function armDraft(form, settings, { chosen, drawing, choosing, field }) {
  const { words } = settings;
  const state = form.querySelector("[data-save-state]");
  const kept = keptReports(settings.person);
  const uuid = () => form.elements.client_uuid.value;
  const listeners = [];
  let touched = false;
  let timer = 0;
  let saving = null;
  let leaving = false;

  function touch() {
    touched = true;
    clearTimeout(timer);
    timer = setTimeout(save, IDLE_MS);
  }

  function facts() {
    const data = new FormData(form);
    for (const name of ["photo", "number", "lon", "lat", "basemap"]) data.delete(name);
    data.set("action", "autosave");
    return data;
  }

  /** Save now; the answer is true once the server holds the draft. One save at a time. */
  function save() {
    saving ??= saveOnce().finally(() => (saving = null));
    return saving;
  }

  async function saveOnce() {
    clearTimeout(timer);
    touched = false;
    say(words.saving);
    const answer = await send(settings.save, facts());
    if (answer.saved_at) return note(answer);
    keepHere();
    touched = true;
    if (answer.status === 0 || answer.status >= 500) {
      say(answer.status ? words.server_fails : words.kept_here, "wait");
      timer = setTimeout(save, RETRY_MS);
    } else if (answer.status === 401 || (answer.status === 403 && !answer.detail)) say(words.signed_out, "bad");
    else say(words.not_saved.replace("%(why)s", answer.detail ?? ""), "bad");
    return false;
  }

  function note(answer) {
    const missing = Object.keys(answer.not_kept);
    const template = missing.length ? words.saved_except : words.saved;
    const names = missing.map((name) => document.querySelector(`#field-${name} .form-label`)?.textContent.trim() ?? name);
    say(template.replace("%(time)s", answer.saved_at).replace("%(fields)s", names.join(", ")), missing.length ? "wait" : "good");
    if (missing.length) keepHere();
    else kept.forget(uuid());
    history.replaceState(null, "", answer.draft);
    listeners.splice(0).forEach((listen) => listen(answer));
    return true;
  }

  function keepHere() {
    const data = facts();
    const values = Object.fromEntries(CARRIED.map((name) => [name, data.get(name) ?? ""]));
    kept.keep(uuid(), { values, polygons: chosen.lines().map((line) => line.dataset.polygon) });
  }

  function say(text, kind = "") {
    state.textContent = text;
    state.dataset.kind = kind;
  }

  form.addEventListener("input", (event) => event.target.type !== "file" && touch());
  form.addEventListener("change", (event) => event.target.type !== "file" && touch());
  // To come from the public map is not yet to report: no draft is made of it.
  chosen.whenChanged(({ quiet }) => quiet || touch());
  let outline = form.elements.outline.value;
  drawing.whenChanged(() => {
    if (form.elements.outline.value === outline) return;
    outline = form.elements.outline.value;
    touch();
  });
  addEventListener("online", () => touched && save());
  addEventListener("beforeunload", (event) => {
    if (!touched || leaving) return;
    keepHere();
    event.preventDefault();
  });

  form.addEventListener("submit", async (event) => {
    const action = event.submitter?.value;
    if (event.submitter?.name !== "action" || !["submit", "draft"].includes(action)) return;
    event.preventDefault();
    if (leaving) return;
    if (saving) await saving;
    if (!(await save())) return action === "submit" && state.dataset.kind === "wait" ? say(words.cannot_send, "wait") : undefined;
    if (action === "draft" || leaving) return;
    leaving = true;
    form.elements.photo.value = ""; // sent already, each by itself
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "action", value: "submit" }));
    form.submit();
  });
  // Back from the next page by the browser's own button: the form may be sent again.
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  offerKept();
  return { save, whenSaved: (listen) => listeners.push(listen) };

  function offerKept() {
    const notice = document.querySelector("[data-kept]");
    const report = kept.find(uuid());
    if (!report) return;
    const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
    notice.querySelector("[data-kept-words]").textContent = `(${moment.format(new Date(report.at))})`;
    notice.hidden = false;
    notice.querySelector("[data-kept-resume]").addEventListener("click", () => {
      notice.hidden = true;
      resume(report);
    });
    notice.querySelector("[data-kept-forget]").addEventListener("click", () => {
      notice.hidden = true;
      kept.forget(report.uuid);
    });
  }

  /** Put a kept report back into the form; its polygons are read again, as the map shows them now. */
  async function resume({ uuid: identifier, values, polygons }) {
    form.elements.client_uuid.value = identifier;
    for (const [name, value] of Object.entries(values)) if (name !== "outline") restore(form, name, value);
    chosen.clear();
    for (const polygon of polygons) await choosing.choose({ polygon });
    if (values.outline) drawing.open(values.outline);
    field.show();
    chosen.fit() || drawing.fit();
    touch();
  }
}

function restore(form, name, value) {
  const control = form.elements[name];
  if (control instanceof RadioNodeList) control.value = value;
  else if (control) control.value = value;
}

/** The answer of the server, with its status: 0 without a connection, 401 where it asks to sign in. */
async function send(url, body) {
  try {
    const response = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
    if (response.redirected) return { status: 401 };
    const isJson = response.headers.get("Content-Type")?.includes("json");
    return { status: response.status, ...(isJson ? await response.json() : {}) };
  } catch {
    return { status: 0 };
  }
}
