/** Photographs go one by one as soon as they are chosen; the first one waits for the draft they belong to. */
export function armPhotos(form, { words }, draft) {
  const block = form.querySelector("[data-photos]");
  const input = block.querySelector("input[type=file]");
  const list = block.querySelector("[data-photo-list]");
  const error = block.querySelector("[data-photo-error]");
  const said = block.querySelector("[data-photo-said]");
  let address = block.dataset.photosUrl ?? "";

  input.addEventListener("change", async () => {
    error.hidden = true;
    const files = [...input.files];
    if (!address) {
      said.textContent = words.photo_needs_draft;
      draft.whenSaved((answer) => (address = answer.photos));
      if (!(await draft.save()) || !address) return refuse(words.photo_failed);
    }
    for (const file of files) {
      said.textContent = `${words.photo_sending} ${file.name}`;
      const answer = await send(file);
      if (answer.html) list.innerHTML = answer.html;
      else refuse(answer.detail ?? words.photo_failed);
    }
    said.textContent = "";
    input.value = "";
  });

  list.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-photo-remove]");
    if (!button) return;
    event.preventDefault();
    const answer = await post(button.formAction, new FormData());
    if (!answer?.ok) return refuse(words.photo_not_removed);
    button.closest("li").remove();
    input.focus();
  });

  function post(url, body) {
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    return fetch(url, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
  }

  function refuse(sentence) {
    error.textContent = sentence;
    error.hidden = false;
    said.textContent = "";
  }

  async function send(file) {
    const body = new FormData();
    body.set("photo", file);
    const response = await post(address, body);
    if (response?.ok && !response.redirected) return { html: await response.text() };
    return response?.headers.get("Content-Type")?.includes("json") ? response.json() : {};
  }
}
