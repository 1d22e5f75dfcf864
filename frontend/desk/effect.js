const WAIT_MS = 200;

/** Asks what the form as it stands would change, and says on the buttons whether one signature is enough. */
export function armEffect(form) {
  const part = form?.querySelector("[data-effect]");
  if (!part) return { count() {} };
  const signToo = form.querySelector("[data-sign-too]");
  let timer = 0;

  part.addEventListener("htmx:afterSettle", () => {
    const signatures = part.querySelector("[data-signatures]")?.dataset.signatures;
    signToo.hidden = signatures === "2";
  });
  return {
    count() {
      clearTimeout(timer);
      timer = setTimeout(() => window.htmx.trigger(part, "effect"), WAIT_MS);
    },
  };
}
