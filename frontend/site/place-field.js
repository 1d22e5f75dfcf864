const WAIT_MS = 180;

/** Offers the names of communes under a plain field, through the browser's own list of suggestions. */
export function armPlaceField(holder) {
  const field = holder?.querySelector("input");
  if (!field) return;
  const list = Object.assign(document.createElement("datalist"), { id: `${field.id}-names` });
  holder.append(list);
  field.setAttribute("list", list.id);
  field.setAttribute("autocomplete", "off");
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => suggest(holder.dataset.communeField, field.value.trim(), list), WAIT_MS);
  });
}

async function suggest(url, text, list) {
  if (!text) return list.replaceChildren();
  try {
    const response = await fetch(`${url}?${new URLSearchParams({ q: text })}`, { headers: { "HX-Request": "true" } });
    if (!response.ok) return;
    const found = new DOMParser().parseFromString(await response.text(), "text/html").querySelectorAll("[data-code]");
    list.replaceChildren(...[...found].map(({ dataset }) => new Option("", `${dataset.name} (${dataset.code})`)));
  } catch {
    // Without an answer the field is still a field: the server finds the place by its name.
  }
}
