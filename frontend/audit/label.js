import { plain } from "../site/plain.js";

/**
 * The form of a label: a search field narrows the list of habitats, arrows choose, Enter saves.
 * Without scripts the list of radio buttons does the same.
 */
export function armLabelForm(form) {
  if (!form) return;
  const search = form.querySelector("[data-label-search]");
  const field = search.querySelector("input");
  const options = [...form.querySelectorAll("[data-label-option]")].map(readOption);
  const confidence = form.querySelector("[data-label-confidence]");
  const tell = armStatus(form, search);

  search.hidden = false;
  field.addEventListener("input", () => tell(narrow(options, field.value)));
  field.addEventListener("keydown", (event) => answerKey(event, { form, field, options, confidence, tell }));
  confidence.addEventListener("keydown", chooseByDigit);
  document.addEventListener("keydown", (event) => isPlainTyping(event) && field.focus());
  if (!form.querySelector("[role=alert]")) field.focus({ preventScroll: true });
}

function readOption(element) {
  const { labelOption, names } = element.dataset;
  return { element, radio: element.querySelector("input"), code: plain(labelOption), text: plain(names) };
}

function armStatus(form, search) {
  const status = search.querySelector("[data-label-status]");
  const none = form.querySelector("[data-label-none]");
  return (count) => {
    none.hidden = count > 0;
    status.textContent = count ? String(count) : status.dataset.none;
  };
}

/** Shows the habitats whose code begins with the text or whose name holds it, and chooses the first one. */
function narrow(options, value) {
  const text = plain(value);
  const found = options.filter(({ code, text: names }) => code.startsWith(text) || (text.length > 1 && names.includes(text)));
  found.sort((one, other) => Number(other.code === text) - Number(one.code === text));
  for (const option of options) option.element.hidden = !found.includes(option);
  if (text) choose(options, found[0]);
  return found.length;
}

function choose(options, chosen) {
  for (const { radio } of options) radio.checked = false;
  if (!chosen) return;
  chosen.radio.checked = true;
  chosen.element.scrollIntoView({ block: "nearest" });
}

function answerKey(event, { form, field, options, confidence, tell }) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    step(options, event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape" && field.value) {
    event.preventDefault();
    field.value = "";
    tell(narrow(options, ""));
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (!options.some(({ radio }) => radio.checked)) return;
    if (confidence.querySelector(":checked")) form.requestSubmit();
    else confidence.querySelector("input").focus();
  }
}

function step(options, by) {
  const shown = options.filter(({ element }) => !element.hidden);
  if (!shown.length) return;
  const now = shown.findIndex(({ radio }) => radio.checked);
  const next = now < 0 && by < 0 ? shown.length - 1 : (now + by + shown.length) % shown.length;
  choose(options, shown[next]);
}

function chooseByDigit(event) {
  const radio = /^[1-3]$/.test(event.key) && event.currentTarget.querySelector(`input[value="${event.key}"]`);
  if (!radio) return;
  event.preventDefault();
  event.stopPropagation();
  radio.checked = true;
  radio.focus();
}

/** A letter or a digit typed while no field has the focus is meant for the search. */
function isPlainTyping(event) {
  const isWriting = event.target.closest("input:not([type=radio]), textarea, select, a, button, [data-label-confidence]");
  return !isWriting && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.altKey && !event.metaKey;
}
