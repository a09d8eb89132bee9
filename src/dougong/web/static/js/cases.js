// The service desk without a mouse: j and k move through the queue, and from case to case; Enter
// opens, a grants, r refuses, o offers; a template is put where the cursor was last.
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
const rows = [...document.querySelectorAll("[data-queue] tbody tr")];
let chosen = -1;

function choose(n) {
  if (!rows.length) return;
  rows[chosen]?.classList.remove("is-chosen");
  chosen = Math.max(0, Math.min(rows.length - 1, n));
  rows[chosen].classList.add("is-chosen");
  rows[chosen].querySelector("a").focus({ preventScroll: false });
}

function open(selector) {
  const details = document.querySelector(selector);
  if (!details) return false;
  details.open = true;
  details.querySelector("textarea, input:not([type=hidden])").focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "j" || event.key === "k") {
    const link = document.querySelector(`[data-key-${event.key}]`);
    if (link) link.click();
    else choose(chosen + (event.key === "j" ? 1 : -1));
  }
  else if (event.key === "a") document.querySelector("button[data-act=approve]")?.focus();
  else if (event.key === "r" && open("[data-key-refuse]")) event.preventDefault();
  else if (event.key === "o" && open("[data-key-offer]")) event.preventDefault();
});

let field = document.querySelector("[data-template-target]");
document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-template-target]")) field = event.target;
});
for (const button of document.querySelectorAll("[data-template]")) {
  button.addEventListener("click", () => {
    const place = field ?? document.querySelector("[data-template-target]");
    if (!place) return;
    place.closest("details")?.setAttribute("open", "");
    place.value = place.value ? `${place.value}\n${button.dataset.template}` : button.dataset.template;
    place.focus();
  });
}
