const MOST_SHOWN = 30;
const plain = (text) => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();

/**
 * The proposed habitat: a field with suggestions from the legend (the ARIA combobox pattern), which are in the page and
 * so need no connection; and the model's own runner-ups as choices of one tap.
 */
export function armHabitatField(form, { legend, words }) {
  const field = form.querySelector("#id_proposed_type");
  const list = form.querySelector("#proposed-suggestions");
  const swatch = form.querySelector("[data-proposed-swatch]");
  const said = form.querySelector("[data-habitat-said]");
  const known = new Map(legend.map((entry) => [entry.code.toLowerCase(), entry]));
  const words_of = new Map(legend.map((entry) => [entry, plain(`${entry.code} ${entry.label}`)]));
  const listeners = [];
  let active = -1;

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "false");
  const options = () => [...list.querySelectorAll("[role=option]")];

  /** The habitat of the legend that the field names, else null. */
  const current = () => known.get(field.value.trim().split(/\s+/)[0]?.toLowerCase()) ?? null;

  function close() {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
    active = -1;
  }

  function suggest() {
    const parts = plain(field.value.trim()).split(/\s+/).filter(Boolean);
    const found = legend.filter((entry) => parts.every((part) => words_of.get(entry).includes(part))).slice(0, MOST_SHOWN);
    list.replaceChildren(...found.map(option));
    if (!found.length) list.append(Object.assign(document.createElement("li"), { className: "suggestions__none", textContent: words.no_habitat }));
    said.textContent = found.length ? words.habitats_found.replace("%(count)s", found.length) : words.no_habitat;
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    active = -1;
  }

  function option(entry, position) {
    const item = document.createElement("li");
    Object.assign(item, { id: `proposed-${position}`, role: "option" });
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.dataset.code = entry.code;
    const color = Object.assign(document.createElement("span"), { className: "swatch" });
    color.dataset.habitat = entry.code;
    const code = Object.assign(document.createElement("span"), { className: "habitat__code", textContent: entry.code });
    item.append(color, " ", code, ` ${entry.label}`);
    return item;
  }

  function move(step) {
    const all = options();
    if (!all.length) return;
    active = (active + step + all.length) % all.length;
    all.forEach((item, position) => item.setAttribute("aria-selected", String(position === active)));
    field.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  }

  function set(code) {
    const entry = known.get(code.toLowerCase());
    if (!entry) return;
    field.value = `${entry.code} ${entry.label}`;
    close();
    said.textContent = words.proposed.replace("%(habitat)s", field.value);
    field.dispatchEvent(new Event("change", { bubbles: true }));
    show();
  }

  function show() {
    const entry = current();
    swatch.hidden = !entry;
    if (entry) swatch.dataset.habitat = entry.code;
    listeners.forEach((listen) => listen());
  }

  field.addEventListener("input", () => {
    suggest();
    show();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return close();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) suggest();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault(); // a choice, never the form
      if (!list.hidden && options().length) set(options()[Math.max(active, 0)].dataset.code);
    }
  });
  list.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("[role=option]");
    event.preventDefault();
    if (item) set(item.dataset.code);
  });
  field.addEventListener("blur", close);
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-runner-up]");
    if (!chip) return;
    event.preventDefault();
    set(chip.value);
  });
  show();
  return { current, set, whenChanged: (listen) => listeners.push(listen), show };
}
