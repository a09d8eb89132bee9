// The chat of the studio: what viewers write, what is bought, and what the host answers.

const box = document.querySelector("[data-chat]");
const lines = box.querySelector("[data-lines]");
const input = box.querySelector("#studio-say");
const MOST_SHOWN = 200;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;
const zh = document.documentElement.lang.startsWith("zh");
const pick = (one, name) => (zh ? one[`${name}_zh`] : one[`${name}_en`]) || one[`${name}_zh`] || one[`${name}_en`] || "";
const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");

function element(tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

function add(line) {
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 60;
  lines.append(line);
  while (lines.children.length > MOST_SHOWN) lines.firstElementChild.remove();
  if (atEnd) lines.scrollTop = lines.scrollHeight;
}

function button(message, act, words, fields) {
  const made = element("button", "btn btn-sm", words);
  made.type = "button";
  made.addEventListener("click", () => window.dougong.post(`/live/${box.dataset.room}/messages/${message.id}/${act}`, fields).catch(() => {}));
  return made;
}

function showMessage(one) {
  if (lines.querySelector(`[data-id="${CSS.escape(one.id)}"]`)) return;
  const line = element("p", "studio-line");
  line.dataset.id = one.id;
  line.append(element("b", "", one.name), " ", element("span", "", one.body));
  if (one.role !== "creator") {
    const tools = element("span", "studio-tools");
    tools.append(button(one, "remove", box.dataset.sayRemove, {}), button(one, "mute", box.dataset.sayMute, { minutes: "0" }));
    line.append(tools);
  }
  add(line);
}

const count = (name, number) => (box.querySelector(`[data-${name}]`).textContent = String(number));
const heard = {
  state(told) {
    told.chat.forEach(showMessage);
    count("likes", told.likes);
    count("viewers", told.room.viewers ?? 0);
  },
  room(told) {
    document.dispatchEvent(new CustomEvent("live-state", { detail: told.state }));
    if (told.state === "ended") socket.onclose = null;
  },
  chat: showMessage,
  chat_removed(told) {
    const line = lines.querySelector(`[data-id="${CSS.escape(told.id)}"]`);
    if (line) line.replaceWith(element("p", "studio-line is-gone", box.dataset.sayGone));
  },
  likes: (told) => count("likes", told.count),
  viewers: (told) => count("viewers", told.count),
  order: (told) => add(element("p", "studio-line is-order", fill(box.dataset.sayBought, { name: told.name, title: told.title ?? pick(told, "title") }))),
  gift: (told) => add(element("p", "studio-line is-order", fill(box.dataset.sayGift, { name: told.from, gift: pick(told, "name") || told.gift, count: told.count }))),
  refused: (told) => window.dougong.toast(told.text),
};

let socket = null;
let waitMs = FIRST_WAIT_MS;

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/live/${box.dataset.room}/socket?from=backstage`);
  socket.onopen = () => (waitMs = FIRST_WAIT_MS);
  socket.onmessage = (event) => {
    for (const line of event.data.split("\n")) {
      const told = JSON.parse(line);
      heard[told.kind]?.(told);
    }
  };
  socket.onclose = () => {
    setTimeout(connect, waitMs * (0.5 + Math.random()));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  };
}

function send(told) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(told));
  return socket.readyState === WebSocket.OPEN;
}

box.querySelector("[data-say]").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = input.value.trim();
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
  if (body && send({ do: "chat", key, body })) input.value = "";
});
setInterval(() => send({ do: "here" }), 30000);
addEventListener("pagehide", () => (socket.onclose = null));
connect();
