const TICK_MS = 1_000;
const RENEW_EVERY_MS = 60_000;
const ACTIVE_FOR_MS = 10 * 60_000;

/**
 * The lock of a report: what is left of it, renewed while the person is at work on the page. A lock that is lost is said;
 * what was typed stays on the page.
 */
export function armLock(element) {
  if (!element) return;
  const find = (selector) => element.querySelector(selector);
  const [words, lost] = ["[data-lock-words]", "[data-lock-lost]"].map(find);
  const texts = find("[data-lock-texts]").dataset;
  const token = find("[name=csrfmiddlewaretoken]").value;
  let until = Date.parse(element.dataset.lockUntil);
  let touched = Date.now();
  let asked = Date.now();
  let isLost = false;

  for (const event of ["keydown", "pointerdown", "input"]) document.addEventListener(event, () => (touched = Date.now()));
  const say = (text) => {
    if (lost.textContent !== text) lost.textContent = text;
    lost.hidden = !text;
  };

  async function renew() {
    asked = Date.now();
    try {
      const response = await fetch(element.dataset.lock, { method: "POST", headers: { "X-CSRFToken": token } });
      const answer = await response.json();
      if (response.ok) {
        until = Date.parse(answer.until);
        say("");
      } else lose(answer.said);
    } catch {
      say(texts.offline);
    }
  }
  function lose(why) {
    isLost = true;
    for (const part of element.querySelectorAll("[data-lock-held]")) part.hidden = true;
    say(`${why} ${texts.kept}`);
  }
  function tick() {
    if (isLost) return;
    const left = until - Date.now();
    words.textContent = left > 0 ? texts.left.replace("%s", clock(left)) : texts.over;
    const active = !document.hidden && Date.now() - touched < ACTIVE_FOR_MS;
    if (active && Date.now() - asked > RENEW_EVERY_MS) renew();
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !isLost) renew();
  });
  setInterval(tick, TICK_MS);
  tick();
}

function clock(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
