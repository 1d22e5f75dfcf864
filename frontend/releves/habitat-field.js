const WAIT_MS = 180;

/** Offers habitats by code or name under each plain field, through the browser's own list of suggestions. */
export function armHabitatFields() {
  for (const holder of document.querySelectorAll("[data-habitat-suggestions]")) arm(holder);
}

function arm(holder) {
  const field = holder.querySelector("[data-habitat-input] input");
  const typology = holder.querySelector("select");
  const list = Object.assign(document.createElement("datalist"), { id: `${field.id}-habitats` });
  field.after(list);
  field.setAttribute("list", list.id);
  field.setAttribute("autocomplete", "off");
  let timer = 0;
  let asked = 0;
  const suggest = async () => {
    const mine = ++asked;
    const found = await ask(holder.dataset.habitatSuggestions, field.value.trim(), typology.value);
    if (mine === asked && found) list.replaceChildren(...found.map(({ code, label }) => new Option("", `${code} ${label}`)));
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, WAIT_MS);
  });
}

async function ask(url, text, typology) {
  if (!text) return [];
  try {
    const response = await fetch(`${url}?${new URLSearchParams({ q: text, typology })}`);
    return response.ok ? (await response.json()).results : null;
  } catch {
    return null; // the field still takes a code: the server finds the habitat
  }
}
