// Gifts of a room: what can be given, and what everybody sees when somebody gives.
// The room's own script (live_room.js) tells every message as `live-message`.

const room = document.getElementById("room");
const sheet = document.getElementById("gift-sheet");
const left = sheet.querySelector("[data-coins-left]");
const stage = room.querySelector(".room-gifts");
const { element } = window.dougong.room;
const MOST_AT_ONCE = 6;
const SHOWN_MS = 2600;

room.querySelector("[data-gifts]").addEventListener("click", () => {
  if (document.body.dataset.signedIn !== "yes") return window.dougong.toSignIn();
  sheet.showModal();
});

function makeKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

for (const button of sheet.querySelectorAll("[data-gift]")) {
  button.addEventListener("click", async () => {
    if (Number(left.dataset.coinsLeft) < Number(button.dataset.price)) return void (location.href = "/coins");
    button.disabled = true;
    try {
      const given = await window.dougong.post(`/live/${room.dataset.room}/gifts`, { gift: button.dataset.gift, count: "1", key: makeKey() });
      left.dataset.coinsLeft = given.left;
      left.textContent = String(given.left);
      sheet.close();
    } catch {
      // The refusal was shown.
    } finally {
      button.disabled = false;
    }
  });
}

document.addEventListener("live-message", (event) => {
  const told = event.detail;
  if (told.kind !== "gift" || stage.children.length >= MOST_AT_ONCE) return;
  const made = element("span", `gift is-${told.animation}`);
  const icon = sheet.querySelector(`[data-gift="${CSS.escape(told.gift)}"] svg`);
  if (icon) made.append(icon.cloneNode(true));
  made.append(element("b", "", `× ${told.count}`));
  stage.append(made);
  setTimeout(() => made.remove(), SHOWN_MS);
});
