const WAIT_MS = 200;
// htmx hears nothing before the document is parsed: on a slow machine a first question would be lost.
const isParsed = new Promise((resolve) => {
  if (document.readyState === "complete") resolve();
  for (const event of ["DOMContentLoaded", "load"]) window.addEventListener(event, resolve, { once: true });
});

/** Asks what the form as it stands would change, and says on the buttons whether one signature is enough. */
export function armEffect(form) {
  const part = form?.querySelector("[data-effect]");
  if (!part) return { count() {} };
  const [signToo, propose] = ["[data-sign-too]", "[data-propose-only]"].map((name) => form.querySelector(name));
  let timer = 0;

  part.addEventListener("htmx:afterSettle", () => {
    const isForTwo = part.querySelector("[data-signatures]")?.dataset.signatures === "2";
    signToo.hidden = isForTwo;
    propose.classList.toggle("btn-primary", isForTwo);
    propose.classList.toggle("btn-secondary", !isForTwo);
  });
  return {
    count() {
      clearTimeout(timer);
      timer = setTimeout(() => isParsed.then(() => window.htmx.trigger(part, "effect")), WAIT_MS);
    },
  };
}
