/**
 * A search field with suggestions from the server (the ARIA combobox pattern): arrows move, Enter chooses, Escape closes.
 * Without a choice the form goes to the page of results, which also works without scripts.
 */
const WAIT_MS = 180;

export function armCommuneSearch(form, words, onChoice) {
  const field = form.querySelector("[role=combobox]");
  const list = form.querySelector("[role=listbox]");
  const status = form.querySelector("[data-commune-status]");
  let timer = 0;
  let asked = 0;
  let active = -1;

  const options = () => [...list.querySelectorAll("[role=option]")];

  function close() {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
    active = -1;
  }

  async function suggest() {
    const mine = ++asked;
    const text = field.value.trim();
    if (!text) return close();
    const html = await ask(form.action, text);
    if (mine !== asked || html === null) return;
    list.innerHTML = html;
    const found = options().length;
    status.textContent = found ? words.results.replace("%(count)s", found) : words.no_result;
    if (!found) list.append(Object.assign(document.createElement("li"), { className: "suggestions__none", textContent: words.no_result }));
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    active = -1;
  }

  function move(step) {
    const all = options();
    if (!all.length) return;
    active = (active + step + all.length) % all.length;
    all.forEach((option, position) => option.setAttribute("aria-selected", String(position === active)));
    field.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  }

  function choose(option) {
    asked += 1;
    field.value = option.dataset.name;
    close();
    onChoice({ name: option.dataset.name, code: option.dataset.code, box: option.dataset.box.split(",").map(Number) });
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, WAIT_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return close();
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && options().length) {
      event.preventDefault();
      choose(options()[Math.max(active, 0)]);
    }
  });
  list.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    choose(option);
  });
  field.addEventListener("blur", close);
}

async function ask(url, text) {
  try {
    const response = await fetch(`${url}?${new URLSearchParams({ q: text })}`, { headers: { "HX-Request": "true" } });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}
