/** Closes a disclosure of the header when the person goes on elsewhere. */
export function armDisclosures() {
  const close = (event) => {
    for (const open of document.querySelectorAll(".person-menu[open], .nav-group[open]")) {
      if (event.key === "Escape" || !open.contains(event.target)) open.open = false;
    }
  };
  document.addEventListener("click", close);
  document.addEventListener("keydown", (event) => event.key === "Escape" && close(event));
}

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
