/** The moving part carries its sentence in data-announces; the live region outside it speaks only when it changes. */
export function followRun() {
  const words = document.querySelector("[data-run-words]");
  const offline = document.querySelector("[data-run-offline]");
  if (!words) return;

  document.body.addEventListener("htmx:afterSettle", () => {
    const sentence = document.getElementById("run-progress")?.dataset.announces ?? "";
    if (words.textContent !== sentence) words.textContent = sentence;
    offline.hidden = true;
  });
  for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.body.addEventListener(failure, () => (offline.hidden = false));
  }
}
