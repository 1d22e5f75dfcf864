/** A button with data-copies="selector" copies that element's value or text, and says so in its data-copied words. */
export function armCopyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copies);
    const text = source.value ?? source.textContent.trim();
    const words = (button.dataset.words ??= button.textContent);
    if (await written(text, source)) {
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = words), 2500);
    }
  });
}

async function written(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without a secure context there is no clipboard: leave the text selected, ready for Ctrl+C.
    source.hidden = false;
    source.select?.();
    return false;
  }
}
