/** What the map says about itself: that it is loading, that something did not arrive. */
export function armNotices(words) {
  const find = (name) => document.querySelector(`[data-map-${name}]`);
  const [loading, loadingWords, notice, noticeWords, retry] = ["loading", "loading-words", "notice", "notice-words", "retry"].map(find);
  let waiting = 0;
  let again = null;

  const hide = () => (notice.hidden = true);
  find("notice-close").addEventListener("click", hide);
  retry.addEventListener("click", () => {
    hide();
    again?.();
  });

  return {
    /** One request more (1) or less (-1) under way. */
    count(change) {
      waiting += change;
      loading.hidden = waiting === 0;
      loadingWords.textContent = waiting === 0 ? "" : words.loading;
    },
    /** Say something quietly over the map, with a way to try again where there is one. */
    warn(text, tryAgain = null) {
      again = tryAgain;
      retry.hidden = tryAgain === null;
      noticeWords.textContent = text;
      notice.hidden = false;
    },
  };
}
