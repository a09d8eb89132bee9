// The viewer's room: the picture, one socket for all that happens, chat and likes, the cart.
// Other modules hear every message of the room as `live-message` on the document.

const room = document.getElementById("room");
const words = JSON.parse(document.getElementById("room-words").textContent);
const signedIn = document.body.dataset.signedIn === "yes";
const leads = room.dataset.leads === "yes";
const zh = document.documentElement.lang.startsWith("zh");
const find = (name) => room.querySelector(`[data-${name}]`);
const say = find("say");
const input = room.querySelector("#say");
const chat = find("messages");
const MOST_SHOWN = 120;
const pick = (one, name) => (zh ? one[`${name}_zh`] : one[`${name}_en`]) || one[`${name}_zh`] || one[`${name}_en`] || "";
const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");

function element(tag, name, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

// The picture ---------------------------------------------------------------------------------

const screen = room.querySelector(".room-video");
let stream = null;
let retry = 0;

function watch() {
  if (stream || screen.src) return;
  if (window.Hls?.isSupported()) {
    stream = new window.Hls({ liveSyncDurationCount: 2, maxLiveSyncPlaybackRate: 1.2, backBufferLength: 10, manifestLoadingMaxRetry: 2 });
    stream.on(window.Hls.Events.MANIFEST_PARSED, () => screen.play().catch(() => {}));
    stream.on(window.Hls.Events.ERROR, (_, error) => {
      if (!error.fatal) return;
      if (error.type === "mediaError") return stream.recoverMediaError();
      unwatch();
      clearTimeout(retry);
      retry = setTimeout(() => room.dataset.state === "live" && watch(), 2000 + Math.random() * 1000);
    });
    stream.loadSource(room.dataset.playlist);
    stream.attachMedia(screen);
  } else if (screen.canPlayType("application/vnd.apple.mpegurl")) {
    screen.src = room.dataset.playlist;
    screen.play().catch(() => {});
  }
}

function unwatch() {
  stream?.destroy();
  stream = null;
  screen.removeAttribute("src");
}

const sound = find("sound");
function setSound(loud) {
  screen.muted = !loud;
  sound.setAttribute("aria-pressed", String(loud));
  sessionStorage.setItem("feed-sound", loud ? "on" : "off");
}
sound.addEventListener("click", () => setSound(screen.muted));
screen.addEventListener("volumechange", () => sound.setAttribute("aria-pressed", String(!screen.muted)));

function setState(state, facts = {}) {
  room.dataset.state = state;
  find("viewers-place").hidden = !(state === "live" || state === "paused");
  if (state === "live") watch();
  else if (state !== "paused") unwatch();
  // A page that comes after the end has its replay in it already; the socket says when one is made.
  if (state === "ended" && facts.replay_video_id !== undefined) {
    const replay = find("replay");
    replay.hidden = !facts.replay_video_id;
    find("no-replay").hidden = Boolean(facts.replay_video_id);
    if (facts.replay_video_id) replay.href = `/live/${room.dataset.room}/replay`;
  }
  if (facts.title_zh !== undefined) room.querySelector("[data-room-title]").textContent = pick(facts, "title");
  if (facts.chat) setChat(facts.chat);
}

function setChat(kind) {
  room.dataset.chat = kind;
  const following = room.dataset.following === "yes" || leads;
  const shut = (kind === "closed" && !leads) || room.dataset.state === "ended";
  input.disabled = shut;
  input.placeholder = !signedIn ? words.sign_in : shut ? words.closed : kind === "followers" && !following ? words.followers : words.say;
}

// Chat ----------------------------------------------------------------------------------------

function showMessage(one) {
  if (chat.querySelector(`[data-id="${CSS.escape(one.id)}"]`)) return;
  const atEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 60;
  const line = element("p", `said is-${one.role}`);
  line.dataset.id = one.id;
  if (one.role !== "viewer") line.append(element("em", "said-role", words[one.role]), " ");
  line.append(element("b", "", one.name), " ", element("span", "", one.body));
  if (leads) line.append(tools(one));
  chat.append(line);
  while (chat.children.length > MOST_SHOWN) chat.firstElementChild.remove();
  if (atEnd) chat.scrollTop = chat.scrollHeight;
}

function showFlash(text, kind) {
  const line = element("p", `said is-flash is-${kind}`, text);
  chat.append(line);
  setTimeout(() => line.remove(), 8000);
  chat.scrollTop = chat.scrollHeight;
}

function tools(one) {
  const box = element("span", "said-tools");
  for (const [act, fields] of [["remove", {}], ["mute", { minutes: "0" }]]) {
    const button = element("button", "", words[act]);
    button.type = "button";
    button.addEventListener("click", () => window.dougong.post(`/live/${room.dataset.room}/messages/${one.id}/${act}`, fields).catch(() => {}));
    box.append(button);
  }
  return box;
}

function hideMessage(id) {
  const line = chat.querySelector(`[data-id="${CSS.escape(id)}"]`);
  if (!line) return;
  line.className = "said is-gone";
  line.textContent = words.gone;
}

const unconfirmed = new Map(); // key to what was said: sent again after a break, written once

function makeKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

say.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!signedIn) return window.dougong.toSignIn();
  const body = input.value.trim();
  if (!body || input.disabled) return;
  const key = makeKey();
  unconfirmed.set(key, body);
  send({ do: "chat", key, body });
  input.value = "";
});
input.addEventListener("focus", () => !signedIn && window.dougong.toSignIn());

// Likes ---------------------------------------------------------------------------------------

let liked = 0;
let likeTimer = 0;
function like() {
  if (!signedIn) return window.dougong.toSignIn();
  liked += 1;
  heart();
  if (!likeTimer) {
    likeTimer = setTimeout(() => {
      send({ do: "like", count: Math.min(liked, 10) });
      liked = likeTimer = 0;
    }, 600);
  }
}
find("like").addEventListener("click", like);
screen.addEventListener("dblclick", like);

function heart() {
  const box = room.querySelector(".room-hearts");
  if (box.children.length > 12) return;
  const one = element("i", "", "♥");
  one.style.setProperty("--x", `${Math.round(Math.random() * 60 - 30)}px`);
  box.append(one);
  setTimeout(() => one.remove(), 1500);
}

// The cart --------------------------------------------------------------------------------------

let { shelf, pin } = JSON.parse(document.getElementById("room-selling").textContent);
const money = (minor, currency) => {
  const format = new Intl.NumberFormat(zh ? "zh-CN" : "en", { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
};

function card(one, name) {
  const link = element("a", name);
  link.href = one.page;
  link.dataset.sheet = one.sheet;
  if (one.source === "own") link.dataset.click = `/links/${one.link_id}/clicks`;
  if (one.image) {
    const picture = document.createElement("img");
    picture.src = one.image.replace("-1080.webp", "-160.webp");
    picture.alt = "";
    link.append(picture);
  } else link.append(element("span", "shelf-none"));
  const text = element("span", "shelf-words");
  text.append(element("span", "shelf-title", pick(one, "title")));
  const price = element("span", "shelf-price");
  if (one.price_minor !== null && one.price_minor !== undefined) price.append(element("b", "", money(one.price_minor, one.currency)));
  if (one.stock === 0) price.append(element("small", "", words.sold_out));
  else if (one.stock !== null && one.stock <= 20) price.append(element("small", "", fill(words.left, { count: one.stock })));
  text.append(price);
  link.append(text, element("span", "shelf-buy", words.buy));
  return link;
}

function showShelf() {
  for (const list of room.querySelectorAll("[data-shelf]")) {
    list.replaceChildren(...shelf.map((one, i) => {
      const item = document.createElement("li");
      item.dataset.link = one.link_id;
      item.append(element("i", "shelf-number", String(i + 1)), card(one, "shelf-card"));
      if (one.link_id === pin?.link_id) item.classList.add("is-pinned");
      return item;
    }));
    if (!shelf.length) list.append(element("li", "shelf-empty", words.empty_shelf));
  }
  find("shelf-count").textContent = String(shelf.length);
  const place = find("pin");
  place.hidden = !pin;
  place.replaceChildren(...(pin ? [card(pin, "pin-card")] : []));
}

function update(id, facts) {
  const set = (one) => (one && one.link_id === id ? { ...one, ...facts } : one);
  shelf = shelf.map(set);
  pin = set(pin);
  showShelf();
}

const shelfSheet = document.getElementById("shelf-sheet");
find("cart").addEventListener("click", () => shelfSheet.showModal());
shelfSheet.addEventListener("click", (event) => event.target.closest("[data-sheet]") && shelfSheet.close());

// What is told ----------------------------------------------------------------------------------

const heard = {
  state(told) {
    setState(told.room.state, told.room);
    told.chat.forEach(showMessage);
    find("likes").textContent = String(told.likes);
    ({ shelf, pin } = told);
    showShelf();
  },
  room: (told) => setState(told.state, told),
  chat_rules: (told) => setChat(told.chat),
  chat: showMessage,
  chat_removed: (told) => hideMessage(told.id),
  likes(told) {
    find("likes").textContent = String(told.count);
    for (let i = 0; i < Math.min(told.added ?? 0, 4); i += 1) setTimeout(heart, i * 180);
  },
  viewers: (told) => (find("viewers").textContent = String(told.count)),
  pin(told) {
    const one = told.explanation ?? told;
    pin = { ...shelf.find((other) => other.link_id === one.link_id), ...one };
    if (pin.page) showShelf();
  },
  unpin() {
    pin = null;
    showShelf();
  },
  shelf(told) {
    shelf = shelf.filter((one) => one.link_id !== told.card.link_id);
    shelf.splice(told.place, 0, told.card);
    showShelf();
  },
  price: (told) => update(told.link_id, { price_minor: told.price_minor, stock: told.stock }),
  link_gone(told) {
    shelf = shelf.filter((one) => one.link_id !== told.link_id);
    if (pin?.link_id === told.link_id) pin = null;
    showShelf();
    if (pick(told, "reason")) showFlash(pick(told, "reason"), "rule");
  },
  order: (told) => showFlash(fill(words.bought, { name: told.name, title: told.title ?? pick(told, "title") }), "order"),
  gift: (told) => showFlash(fill(words.gift, { name: told.from, gift: pick(told, "name") || told.gift, count: told.count }), "gift"),
  notice: (told) => (told.text || pick(told, "text")) && showFlash(told.text || pick(told, "text"), "notice"),
  said: (told) => unconfirmed.delete(told.key),
  refused(told) {
    const body = unconfirmed.get(told.key);
    if (told.code === "unavailable") return void setTimeout(() => body && send({ do: "chat", key: told.key, body }), 2000);
    unconfirmed.delete(told.key);
    if (told.code === "sign_in_needed") return window.dougong.toSignIn();
    if (body && !input.value) input.value = body;
    window.dougong.toast(told.text);
  },
};

function hear(line) {
  const told = JSON.parse(line);
  heard[told.kind]?.(told);
  document.dispatchEvent(new CustomEvent("live-message", { detail: told }));
}

// The socket ------------------------------------------------------------------------------------

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;
let socket = null;
let waitMs = FIRST_WAIT_MS;
let wasOpen = false;
let timer = 0;

function send(told) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(told));
}
window.dougong.room = { send, pick, money, element, fill };

function line(text) {
  const place = find("line");
  place.textContent = text;
  place.hidden = !text;
}

function connect() {
  clearTimeout(timer);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/live/${room.dataset.room}/socket?from=${room.dataset.from}`);
  socket.onopen = () => {
    waitMs = FIRST_WAIT_MS;
    line("");
    wasOpen = true;
    for (const [key, body] of unconfirmed) send({ do: "chat", key, body });
  };
  socket.onmessage = (event) => event.data.split("\n").forEach(hear);
  socket.onclose = () => {
    if (room.dataset.state === "ended") return;
    if (wasOpen) line(words.away);
    // Everybody loses a worker at once: nobody comes back at the same instant.
    timer = setTimeout(connect, waitMs * (0.5 + Math.random()));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  };
}

setInterval(() => send({ do: "here" }), 30000);
addEventListener("online", () => socket?.readyState === WebSocket.CLOSED && connect());
addEventListener("pagehide", () => socket?.close());

// Keys ------------------------------------------------------------------------------------------

const keys = {
  m: () => setSound(screen.muted),
  l: like,
  c: () => input.focus(),
  p: () => (find("pin").querySelector("a") ?? find("cart")).click(),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, textarea, select")) return;
  const act = keys[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});

if (leads) {
  for (const one of chat.querySelectorAll(".said")) one.append(tools({ id: one.dataset.id }));
}
chat.scrollTop = chat.scrollHeight;
setSound(sessionStorage.getItem("feed-sound") === "on");
setState(room.dataset.state);
setChat(room.dataset.chat);
showShelf();
if (room.dataset.state !== "ended") connect();
