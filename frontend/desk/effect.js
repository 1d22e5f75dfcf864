const WAIT_MS = 200;

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
      timer = setTimeout(() => window.htmx.trigger(part, "effect"), WAIT_MS);
    },
  };
}
