const KEPT = "desk-shortcuts";
const TYPING = "input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable], dialog";

/** One letter for each thing with data-key: a link is followed, a button pressed, anything else gets the focus. */
export function armShortcuts(dialog) {
  if (!dialog) return;
  const uses = dialog.querySelector("[data-keys-on]");
  uses.checked = localStorage.getItem(KEPT) !== "off";
  uses.addEventListener("change", () => localStorage.setItem(KEPT, uses.checked ? "on" : "off"));
  for (const button of document.querySelectorAll("[data-opens-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => dialog.showModal());
  }
  document.addEventListener("keydown", (event) => {
    if (!uses.checked || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPING)) return;
    const target = targetOf(event.key);
    if (!target) return;
    event.preventDefault();
    act(target);
  });
}

function targetOf(key) {
  return [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === key);
}

function act(target) {
  if (target.matches("a, button")) return target.click();
  const first = target.querySelector("input:checked, input, button, a") ?? target;
  target.scrollIntoView({ block: "nearest" });
  first.focus();
}
