// On a wide screen the product of the video stands beside it, ready to be bought; comments open in
// the same place. On a phone there is no dock, and both slide up in the sheet.

const dock = document.getElementById("dock");
const place = document.getElementById("dock-body");
const DWELL_MS = 250; // of those that are only scrolled past, nothing is fetched
let slide = null;
let shown = "";
let waiting = 0;
let isCounted = false;

const isThere = () => dock !== null && dock.offsetParent !== null;
const productOf = (one) => one?.querySelector(".slide-card")?.dataset.sheet;
const cardOf = (one, address) => [...(one?.querySelectorAll(".slide-card") ?? [])].find((card) => card.dataset.sheet === address);
const commentsOf = (one) => one?.querySelector(".act-comments")?.dataset.sheet;

async function load(address) {
  if (!address || address === shown) return;
  shown = address;
  isCounted = false;
  place.classList.add("is-waiting");
  const draft = document.createElement("div");
  const isFilled = await window.dougong.fill(draft, address);
  if (shown !== address) return;
  place.classList.remove("is-waiting");
  if (!isFilled) shown = "";
  else place.replaceChildren(...draft.childNodes);
}

function follow() {
  clearTimeout(waiting);
  waiting = setTimeout(() => isThere() && load(productOf(slide) ?? commentsOf(slide)), DWELL_MS);
}

// Asked by shop.js before a sheet slides up: true when the dock takes it.
window.dougong.dock = (address) => {
  if (!isThere() || !(cardOf(slide, address) || address === commentsOf(slide))) return false;
  clearTimeout(waiting);
  load(address);
  dock.focus({ preventScroll: true });
  return true;
};

if (dock) {
  slide = document.querySelector(".slide.is-current");
  if (slide) follow();
  document.addEventListener("slide-shown", (event) => {
    slide = event.detail;
    follow();
  });
  matchMedia("(min-width: 1100px)").addEventListener("change", follow);
  place.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) load(productOf(slide));
    const card = cardOf(slide, shown);
    if (isCounted || !card?.dataset.click) return; // a way out counts itself
    isCounted = true; // the first act on the product counts as the tap on its card
    window.dougong.click(card);
  });
}
