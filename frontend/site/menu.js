/** Opens and closes the menu of small screens: a button with data-toggles="id of what it opens". */
export function armMenu() {
  for (const button of document.querySelectorAll("[data-toggles]")) {
    const target = document.getElementById(button.dataset.toggles);
    const set = (open) => {
      target.classList.toggle("is-open", open);
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", () => set(button.getAttribute("aria-expanded") !== "true"));
    target.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && button.getAttribute("aria-expanded") === "true") {
        set(false);
        button.focus();
      }
    });
  }
}
