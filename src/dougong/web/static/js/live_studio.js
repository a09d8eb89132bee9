// Keys of the studio's selling panel: 1 to 9 explain that product of the live cart, 0 nothing.
// The panel is read anew while it is open, but never under somebody's hands.

const READ_AGAIN_MS = 10000;
const panel = () => document.getElementById("selling");

document.addEventListener("keydown", (event) => {
  const place = panel();
  if (!place || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, textarea, select") || !/^\d$/.test(event.key)) return;
  const button = event.key === "0"
    ? place.querySelector("form[action$='/unpin'] button")
    : place.querySelectorAll(".shelf-link")[Number(event.key) - 1]?.querySelector("form[action$='/pin'] button");
  if (!button || button.disabled) return;
  event.preventDefault();
  button.click();
});

function isUsed(place) {
  if (document.hidden || place.querySelector("details[open]")) return true;
  if (place.contains(document.activeElement) && document.activeElement !== document.body) return true;
  return [...place.querySelectorAll("input:not([type=hidden])")].some((one) => one.value !== one.defaultValue);
}

function readAgain() {
  const place = panel();
  if (!place || !window.htmx) return;
  const address = place.querySelector(".selling-search")?.getAttribute("action");
  if (address) window.htmx.ajax("GET", address, { target: "#selling", swap: "outerHTML" });
}

setInterval(() => {
  const place = panel();
  if (place && !isUsed(place)) readAgain();
}, READ_AGAIN_MS);

// When the room begins or pauses, what may be done is another thing.
document.addEventListener("live-state", readAgain);
