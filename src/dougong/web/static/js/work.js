// Pages for a worker's phone. A scanner is a keyboard: what it types goes into one field, which keeps
// the focus; where the browser reads barcodes itself, the camera is a scanner too. Every act has a key
// and waits on the phone until the server has answered it, so that nothing is lost or counted twice.

const main = document.getElementById("main");
const net = document.querySelector("[data-net]");
const find = (what, inside = main) => inside.querySelector(what);
const all = (what, inside = main) => [...inside.querySelectorAll(what)];
const scanField = () => find("[data-scan]");

// Right and wrong: to be heard, felt and seen -------------------------------------------------------

let audio = null;

function beep(tones) {
  if (!window.AudioContext || !navigator.userActivation?.hasBeenActive) return;
  audio ??= new AudioContext();
  let at = audio.currentTime;
  for (const [pitch, seconds] of tones) {
    const tone = audio.createOscillator();
    const level = audio.createGain();
    tone.frequency.value = pitch;
    tone.type = pitch < 400 ? "square" : "sine";
    level.gain.value = 0.25;
    tone.connect(level).connect(audio.destination);
    tone.start(at);
    tone.stop((at += seconds));
  }
}

function feel(good) {
  beep(good ? [[1320, 0.09]] : [[220, 0.16], [150, 0.26]]);
  navigator.vibrate?.(good ? 50 : [140, 70, 140]);
  document.body.classList.remove("is-good", "is-bad");
  requestAnimationFrame(() => document.body.classList.add(good ? "is-good" : "is-bad"));
}

function say(good, words, number = "") {
  const box = find("[data-said-here]");
  if (!box) return window.dougong.toast(words, good);
  const text = document.createElement("div");
  const count = document.createElement("strong");
  text.textContent = words;
  count.textContent = number;
  text.append(count);
  box.replaceChildren(text);
  box.className = `work-said is-${good ? "good" : "bad"}`;
  box.setAttribute("role", good ? "status" : "alert");
  box.hidden = false;
  feel(good);
}

// What waits for the network ------------------------------------------------------------------------

const store = location.pathname.split("/")[2];
const SHELF = `dougong-work:${store}:`;
const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
let turn = 0;
let isSending = false;
const waiting = Object.keys(localStorage)
  .filter((name) => name.startsWith(SHELF))
  .sort()
  .map((name) => ({ ...JSON.parse(localStorage.getItem(name)), name }));

function forget(item) {
  waiting.splice(waiting.indexOf(item), 1);
  localStorage.removeItem(item.name);
}

function fieldsOf(form) {
  const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
  return fields.filter(([name]) => name !== "_csrf_token");
}

function later(form, more = {}) {
  const name = `${SHELF}${Date.now()}-${String((turn += 1)).padStart(6, "0")}`;
  const item = { url: form.action, page: location.pathname, fields: fieldsOf(form), name, ...more };
  localStorage.setItem(name, JSON.stringify(item));
  waiting.push(item);
  send();
}

async function ask(item) {
  try {
    const answer = await fetch(item.url, {
      method: "POST",
      headers: { "x-csrftoken": window.dougong.csrf(), "hx-request": "true", accept: "text/html" },
      body: new URLSearchParams(item.fields),
      signal: AbortSignal.timeout(15_000),
    });
    if ([502, 503, 504].includes(answer.status)) return null;
    return { status: answer.status, url: answer.url, text: await answer.text() };
  } catch {
    return null;
  }
}

const aWhile = () =>
  new Promise((go) => {
    setTimeout(go, 3_000);
    addEventListener("online", go, { once: true });
  });

function tell(isDown) {
  net.hidden = !isDown;
  net.textContent = net.dataset.words + waiting.length;
  const undo = find("[data-undo]");
  if (undo && waiting.some((item) => item.isScan)) undo.hidden = false;
}

async function send() {
  if (isSending) return tell(!net.hidden);
  isSending = true;
  while (waiting.length) {
    const [item] = waiting;
    const answer = await ask(item);
    if (!answer) {
      tell(true);
      await aWhile();
    } else if (answer.status === 401) {
      window.dougong.toSignIn();
      return;
    } else {
      forget(item);
      tell(false);
      show(answer, item);
    }
  }
  isSending = false;
}

function show(answer, item) {
  const page = new DOMParser().parseFromString(answer.text, "text/html");
  const next = page.querySelector("#main.work-main");
  if (!next) {
    window.dougong.toast(page.querySelector(".toast-message")?.textContent.trim() || page.body.textContent.trim());
    feel(false);
    return;
  }
  if (item.draft && answer.status < 400) localStorage.removeItem(item.draft);
  const said = next.querySelector("[data-said]");
  if (item.page !== location.pathname) {
    if (said && said.dataset.said === "bad") window.dougong.toast(said.textContent.trim());
    return;
  }
  if (!item.isScan && answer.url !== item.url) history.replaceState(null, "", answer.url);
  document.title = page.title;
  main.replaceChildren(...next.childNodes);
  wake();
  if (said) feel(said.dataset.said === "good");
}

// Scans ----------------------------------------------------------------------------------------------

function scanned(form) {
  const field = scanField();
  if (form.dataset.scanForm === "tally") return count(form, field.value.trim());
  find("[name=key]", form).value = fresh();
  later(form, { isScan: true });
  field.value = "";
}

function undo(form) {
  const last = waiting.at(-1);
  if (last && !last.isScan) return;
  if (last && last !== waiting[0]) {
    forget(last);
    tell(!net.hidden);
    return;
  }
  if (last) find("[name=key]", form).value = last.fields.find(([name]) => name === "key")[1];
  later(form);
}

// Pages that count by themselves: units of each line, and one form at the end.
const taken = [];
const unitsOf = (line) => find("[data-units]", line);
const valueOf = (units) => Number(units.value) || 0;

function step(units, by) {
  const most = units.dataset.most ? Number(units.dataset.most) : Infinity;
  units.value = Math.min(most, Math.max(0, valueOf(units) + by));
  units.dispatchEvent(new Event("input", { bubbles: true }));
}

function count(scan, code) {
  const form = find("form[data-tally]");
  scanField().value = "";
  const hits = all("[data-codes]", form).filter((line) => JSON.parse(line.dataset.codes).includes(code));
  if (!hits.length) return say(false, `${scan.dataset.unknown} ${code}`);
  if (form.dataset.tally === "from-none") {
    for (const units of all("[data-units]", form)) units.value = 0;
    form.dataset.tally = "begun";
  }
  const line = hits.find((one) => valueOf(unitsOf(one)) < Number(unitsOf(one).dataset.most || Infinity));
  if (!line) return say(false, `${scan.dataset.full} ${code}`);
  const units = unitsOf(line);
  step(units, 1);
  taken.push(units);
  line.closest("details")?.setAttribute("open", "");
  for (const one of all(".is-hit", form)) one.classList.remove("is-hit");
  line.classList.add("is-hit");
  line.scrollIntoView({ block: "center" });
  say(true, line.dataset.name, units.dataset.most ? `${units.value} / ${units.dataset.most}` : units.value);
  find("[data-undo-here]").hidden = false;
}

function untake() {
  const units = taken.pop();
  if (!units) return;
  step(units, -1);
  const line = units.closest("[data-codes]");
  say(true, line.dataset.name, `↶ ${units.value}`);
  find("[data-undo-here]").hidden = taken.length === 0;
  scanField().focus({ preventScroll: true });
}

function sum() {
  const form = find("form[data-tally]");
  const place = form && find("[data-sum]", form);
  if (!place) return;
  const units = all("[data-units]", form).reduce((total, one) => total + valueOf(one), 0);
  place.textContent = units ? `Σ ${units}` : "";
}

// What was counted here survives a page that is loaded anew, or a phone that went dark.
const draftName = () => `dougong-draft:${location.pathname}${location.search}`;

function keepDraft() {
  const form = find("form[data-draft]");
  if (form) localStorage.setItem(draftName(), JSON.stringify(fieldsOf(form)));
}

function readDraft() {
  const form = find("form[data-draft]");
  const kept = form && JSON.parse(localStorage.getItem(draftName()) || "null");
  if (!kept) return;
  const fields = all("[name]", form).filter((field) => field.name !== "_csrf_token");
  if (kept.map(([name]) => name).join() !== fields.map((field) => field.name).join()) return;
  fields.forEach((field, n) => (field.value = kept[n][1]));
}

// Every page, also one that came by a scan -----------------------------------------------------------

function wake() {
  taken.length = 0;
  readDraft();
  sum();
  const field = scanField();
  if (!field) return;
  if (localStorage.getItem("dougong-scanner")) field.inputMode = "none";
  field.addEventListener("pointerdown", () => (field.inputMode = "text"));
  let before = 0;
  let fast = 0;
  field.addEventListener("keydown", (event) => {
    fast = event.timeStamp - before < 35 ? fast + 1 : 0;
    before = event.timeStamp;
    if (event.key === "Enter" && fast > 4) localStorage.setItem("dougong-scanner", "yes");
  });
  const camera = find("[data-camera]");
  if ("BarcodeDetector" in window && navigator.mediaDevices) camera.hidden = false;
  field.focus({ preventScroll: true });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const act = form.matches("[data-scan-form=post], [data-scan-form=tally]") ? scanned
    : form.matches("[data-undo]") ? undo
    : form.matches("[data-send]") ? (one) => later(one, one.matches("[data-draft]") ? { draft: draftName() } : {})
    : null;
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act(form);
  scanField()?.focus({ preventScroll: true });
}, true);

main.addEventListener("click", (event) => {
  const button = event.target.closest("[data-step]");
  if (button) step(find("[data-units]", button.parentElement), Number(button.dataset.step));
  if (event.target.closest("[data-undo-here]")) untake();
  if (event.target.closest("[data-camera]")) look();
});
main.addEventListener("input", () => {
  sum();
  keepDraft();
});
document.addEventListener("keydown", (event) => {
  const typesElsewhere = event.target.closest?.("input, textarea, select");
  if (typesElsewhere || event.key.length !== 1 || event.key === " " || event.ctrlKey || event.metaKey) return;
  scanField()?.focus({ preventScroll: true });
});

// The camera stays open from scan to scan; the same code is taken again only after a while.
const view = document.querySelector("[data-camera-view]");
let stream = null;

async function look() {
  if (stream) {
    for (const track of stream.getTracks()) track.stop();
    stream = null;
    view.hidden = true;
    return;
  }
  stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  view.srcObject = stream;
  view.hidden = false;
  await view.play();
  const detector = new BarcodeDetector();
  let last = "";
  let at = 0;
  while (stream) {
    const [found] = await detector.detect(view);
    const field = scanField();
    if (found && field && (found.rawValue !== last || Date.now() - at > 2_000)) {
      last = found.rawValue;
      at = Date.now();
      field.value = last;
      field.form.requestSubmit();
    }
    await new Promise((go) => setTimeout(go, 150));
  }
}

wake();
const first = find("[data-said]");
if (first) feel(first.dataset.said === "good");
if (waiting.length) send();
