/** Shows the buttons with data-prints, which without scripts would do nothing, and lets them print the page. */
export function armPrint() {
  for (const button of document.querySelectorAll("[data-prints]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
}
