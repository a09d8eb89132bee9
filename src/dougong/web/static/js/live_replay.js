// The recording of a room: a mark leads to the moment at which a product was explained.

const screen = document.getElementById("replay");
const marks = [...document.querySelectorAll("[data-at]")];

if (window.Hls?.isSupported()) {
  const stream = new window.Hls();
  stream.loadSource(screen.dataset.playlist);
  stream.attachMedia(screen);
} else screen.src = screen.dataset.playlist;

for (const mark of marks) {
  mark.addEventListener("click", () => {
    screen.currentTime = Math.max(0, Number(mark.dataset.at));
    screen.play().catch(() => {});
  });
}

screen.addEventListener("timeupdate", () => {
  for (const mark of marks) {
    const isNow = screen.currentTime >= Number(mark.dataset.at) && screen.currentTime < Number(mark.dataset.until);
    if (isNow) mark.setAttribute("aria-current", "true");
    else mark.removeAttribute("aria-current");
  }
});
