// Counts `[data-countdown]` (seconds left when the page was made) down to nothing, once a second.
// A page that came to the end is loaded again: what could be done until then can be no more.

const ends = new WeakMap();
let isOver = false;

function show() {
  for (const place of document.querySelectorAll("[data-countdown]")) {
    if (!ends.has(place)) ends.set(place, performance.now() + Number(place.dataset.countdown) * 1000);
    const left = Math.max(0, Math.round((ends.get(place) - performance.now()) / 1000));
    place.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    place.classList.toggle("is-short", left < 60);
    if (left === 0 && Number(place.dataset.countdown) > 0 && !isOver) {
      isOver = true;
      setTimeout(() => location.reload(), 1500);
    }
  }
}

show();
setInterval(show, 1000);
