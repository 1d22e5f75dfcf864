/** A polygon by a click, by Enter in the middle of the map, by its number, or from the list of those around. */
export function armChoosing(form, map, settings, { notices, chosen, drawing }) {
  const findError = form.querySelector("[data-find-error]");
  const near = form.querySelector("[data-near]");
  const nearList = form.querySelector("[data-near-list]");
  near.hidden = false;

  async function choose(question, { refuse = notices.warn, ...manner } = {}) {
    notices.count(1);
    const answer = await ask(settings.polygon, { ...question, round: settings.round });
    notices.count(-1);
    if (answer.html !== undefined) chosen.add(answer.html, manner);
    else refuse(answer.detail ?? settings.words.polygon_failed);
    return answer.html !== undefined;
  }

  const at = ({ lat, lng }) => ({ lon: lng.toFixed(6), lat: lat.toFixed(6) });
  map.on("click", (event) => {
    if (!drawing.isBusy()) choose(at(event.latlng.wrap()), { toggle: true });
  });
  map.getContainer().addEventListener("keydown", (event) => {
    if (event.target !== map.getContainer() || event.key !== "Enter" || drawing.isBusy()) return;
    event.preventDefault();
    choose(at(map.getCenter()), { toggle: true });
  });

  form.querySelector("[data-find]").addEventListener("click", async (event) => {
    event.preventDefault();
    findError.hidden = true;
    const value = (name) => form.elements[name].value.trim().replace(",", ".");
    const question = value("number") ? { number: value("number") } : { lon: value("lon"), lat: value("lat") };
    const refuse = (words) => {
      findError.textContent = words;
      findError.hidden = false;
    };
    if (await choose(question, { refuse })) chosen.fit();
  });
  for (const name of ["number", "lat", "lon"]) {
    form.elements[name].addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      form.querySelector("[data-find]").click();
    });
  }

  form.querySelector("[data-near-ask]").addEventListener("click", async () => {
    const answer = await ask(settings.near, { ...at(map.getCenter()), round: settings.round });
    nearList.innerHTML = answer.html ?? "";
    if (answer.html === undefined) notices.warn(settings.words.polygon_failed);
  });
  nearList.addEventListener("click", (event) => {
    const button = event.target.closest("[data-near-add]");
    if (button) choose({ number: button.dataset.nearAdd });
  });

  return {
    choose,
    /** The place that a link of the public map named: it is shown, and its polygon is chosen. */
    openPlace(position) {
      if (!position) return;
      const [lon, lat] = position;
      map.setView([lat, lon], 15);
      choose({ lon, lat }, { quiet: true });
    },
  };
}

async function ask(url, question) {
  try {
    const response = await fetch(`${url}?${new URLSearchParams(question)}`, { headers: { Accept: "text/html" } });
    if (response.redirected) return {};
    const isHtml = response.headers.get("Content-Type")?.startsWith("text/html");
    if (isHtml && (response.ok || response.status === 422)) return { html: await response.text() };
    return { detail: (await response.json()).detail };
  } catch {
    return {};
  }
}
