// What a room gives away beside its cart: flash offers with their countdown, coupon drops, draws.
// The room's own script (live_room.js) tells every message as `live-message`.

const room = document.getElementById("room");
const words = JSON.parse(document.getElementById("room-words").textContent);
const place = room.querySelector("[data-extra]");
const { pick, money, element, fill } = window.dougong.room;
const began = JSON.parse(document.getElementById("room-selling").textContent);
const SOME_LEFT_S = 10;

let offers = new Map();
let drops = new Map();
let draws = new Map();
const taken = new Map(); // id to a coupon's code or a draw's ticket

const byId = (list) => new Map((list ?? []).map((one) => [one.id, one]));
const post = (path) => window.dougong.post(`/live/${room.dataset.room}${path}`);

function clock(until) {
  const left = Math.max(0, Math.round((Date.parse(until) - now()) / 1000));
  return { left, text: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` };
}

// The server's clock, as its last message had it: a demo's runs ahead of this device's.
let ahead = 0;
const now = () => Date.now() + ahead;

function box(kind, title, until) {
  const made = element("div", `extra is-${kind}`);
  const head = element("p", "extra-head");
  const time = element("b", "extra-time", clock(until).text);
  time.dataset.until = until;
  head.append(element("span", "", title), time);
  made.append(head);
  return made;
}

function offerBox(one) {
  const made = box("offer", words.flash, one.ends_at);
  const price = element("p", "extra-price");
  price.append(element("strong", "", money(one.price_minor, one.currency)));
  if (one.usual_minor > one.price_minor) price.append(element("s", "", money(one.usual_minor, one.currency)));
  price.append(element("small", "", one.left > 0 ? fill(words.of_left, { left: one.left, quota: one.quota }) : words.sold_out));
  made.append(element("p", "extra-title", pick(one, "title")), price);
  if (one.left > 0) {
    const buy = element("a", "btn btn-primary", words.buy);
    buy.href = `/checkout?${new URLSearchParams({ store: one.store_id, sku: one.sku_id, quantity: 1, link: one.link_id, offer: one.id })}`;
    buy.dataset.page = "";
    made.append(buy);
  }
  return made;
}

function dropBox(one) {
  const made = box("coupon", pick(one, "name"), one.ends_at);
  const code = taken.get(one.id);
  if (code) {
    made.append(element("p", "extra-title", fill(words.code, { code })));
    return made;
  }
  made.append(element("p", "extra-price", fill(words.coupons_left, { count: one.left })));
  if (one.left > 0) made.append(button(words.claim, async () => {
    const got = await post(`/coupon-drops/${one.id}/claim`);
    taken.set(one.id, got.code);
    drops.set(one.id, { ...one, left: got.left });
    show();
  }));
  return made;
}

function drawBox(one) {
  const made = box("draw", words.draw, one.closes_at);
  made.append(element("p", "extra-title", pick(one, "prize")));
  const proof = element("a", "extra-proof", words.check);
  proof.href = `/live/${room.dataset.room}/draws/${one.id}`;
  proof.dataset.page = "";
  if (one.drawn) {
    const mine = taken.get(one.id);
    const won = one.drawn.winners.some((each) => each.ticket === mine);
    const names = one.drawn.winners.map((each) => each.name).join(" · ");
    made.append(element("p", "extra-price", won ? words.you_won : names ? fill(words.winners, { names }) : words.nobody));
  } else if (taken.has(one.id)) made.append(element("p", "extra-price", fill(words.entered, { ticket: taken.get(one.id) })));
  else if (clock(one.closes_at).left > 0) made.append(button(words.enter, async () => {
    taken.set(one.id, (await post(`/draws/${one.id}/enter`)).ticket);
    show();
  }));
  made.append(proof);
  return made;
}

function button(text, act) {
  const made = element("button", "btn btn-primary", text);
  made.type = "button";
  made.addEventListener("click", () => {
    if (document.body.dataset.signedIn !== "yes") return window.dougong.toSignIn();
    made.disabled = true;
    act().catch(() => (made.disabled = false));
  });
  return made;
}

function show() {
  const open = (one, until) => clock(until).left > 0 || one.drawn;
  place.replaceChildren(
    ...[...offers.values()].filter((one) => open(one, one.ends_at)).map(offerBox),
    ...[...drops.values()].filter((one) => open(one, one.ends_at)).map(dropBox),
    ...[...draws.values()].map(drawBox),
  );
}

const heard = {
  state: begin,
  offer(told) {
    offers.set(told.id, told);
  },
  offer_left(told) {
    const one = offers.get(told.id);
    if (one) offers.set(told.id, { ...one, left: told.left });
  },
  offer_over: (told) => offers.delete(told.id),
  coupon: (told) => drops.set(told.drop.id, told.drop),
  draw: (told) => draws.set(told.id, told),
  draw_over(told) {
    const one = draws.get(told.id);
    if (!one) return;
    draws.set(told.id, { ...one, drawn: told });
    setTimeout(() => {
      draws.delete(told.id);
      show();
    }, 60000);
  },
};

function begin(told) {
  [offers, drops] = [byId(told.offers), byId(told.drops)];
  const drawn = [...draws].filter(([, one]) => one.drawn);
  draws = new Map([...byId(told.draws), ...drawn]);
}

document.addEventListener("live-message", (event) => {
  const told = event.detail;
  if (told.at) ahead = Date.parse(told.at) - Date.now();
  if (!heard[told.kind]) return;
  heard[told.kind](told);
  show();
});

setInterval(() => {
  let isOver = false;
  for (const time of place.querySelectorAll("[data-until]")) {
    const { left, text } = clock(time.dataset.until);
    time.textContent = text;
    time.classList.toggle("is-short", left <= SOME_LEFT_S);
    if (left === 0 && !time.closest(".is-draw")) isOver = true;
  }
  if (isOver) show();
}, 1000);

begin(began);
show();
