// Going on air from the browser: a source is looked at first, then sent by WHIP (RFC 9725).

const box = document.querySelector("[data-publish]");
const say = box.dataset;
const find = (name) => box.querySelector(`[data-${name}]`);
const AGAIN_AFTER_MS = [500, 1000, 2000, 3000, 5000, 5000, 5000, 5000];
const LOST_AFTER_MS = 4000;
const FIGURES_EVERY_MS = 2000;
const MEDIA_TYPE = "application/sdp";

let stream = null; // what is shown in the preview, and sent
let sending = null; // {peer, place, key, tries}
let meter = null;

const cookie = (name) =>
  document.cookie.split("; ").find((one) => one.startsWith(name + "="))?.slice(name.length + 1) || "";
const kilobits = (bits) => Math.round(bits / 1000).toLocaleString(document.documentElement.lang) + " kbit/s";

function tell(text, kind = "") {
  const state = find("shown-state");
  state.textContent = text;
  state.dataset.kind = kind;
  state.classList.toggle("bg-red", kind === "on");
  state.classList.toggle("text-white", kind === "on");
}

function fail(text) {
  find("error").textContent = text;
}

// --- the source -------------------------------------------------------------------------------

const VIDEO = {
  width: { ideal: Number(say.width) },
  height: { ideal: Number(say.height) },
  frameRate: { ideal: Number(say.fps), max: Number(say.fps) },
};
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

async function fromCamera() {
  const camera = find("camera").value;
  const microphone = find("microphone").value;
  return navigator.mediaDevices.getUserMedia({
    video: camera ? { ...VIDEO, deviceId: { exact: camera } } : VIDEO,
    audio: microphone ? { ...SOUND, deviceId: { exact: microphone } } : SOUND,
  });
}

function fromScreen() {
  return navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: Number(say.fps) } }, audio: true });
}

async function fromFile(file) {
  const player = document.createElement("video");
  player.src = URL.createObjectURL(file);
  player.loop = true;
  player.muted = false;
  await player.play();
  return player.captureStream();
}

async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [kind, select] of [["videoinput", find("camera")], ["audioinput", find("microphone")]]) {
    const chosen = select.value;
    const found = devices.filter((one) => one.kind === kind);
    select.replaceChildren(...found.map((one, n) => new Option(one.label || `${n + 1}`, one.deviceId)));
    if (found.some((one) => one.deviceId === chosen)) select.value = chosen;
  }
}

async function look(open) {
  fail("");
  try {
    const opened = await open();
    await use(opened);
  } catch (error) {
    fail(error.name === "NotFoundError" ? say.sayNoDevice : say.sayDenied);
  }
}

async function use(opened) {
  const before = stream;
  stream = opened;
  const preview = find("preview");
  preview.srcObject = opened;
  await preview.play();
  watchLevel(opened);
  if (sending) await swapTracks(opened);
  before?.getTracks().forEach((track) => track.stop());
  const picture = opened.getVideoTracks()[0].getSettings();
  const sound = opened.getAudioTracks()[0];
  find("check").textContent =
    `${say.sayPicture}: ${picture.width || preview.videoWidth} × ${picture.height || preview.videoHeight} · ` +
    `${say.saySound}: ${sound ? sound.label || "✓" : say.sayNoSound}`;
  find("start").disabled = false;
}

function watchLevel(opened) {
  meter?.close();
  meter = null;
  find("level").value = 0;
  if (!opened.getAudioTracks().length) return;
  const context = new AudioContext();
  meter = context;
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(opened).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const measure = () => {
    if (meter !== context) return;
    analyser.getFloatTimeDomainData(samples);
    find("level").value = Math.max(...samples.map(Math.abs));
    requestAnimationFrame(measure);
  };
  measure();
}

// --- sending ----------------------------------------------------------------------------------

async function newKey() {
  const answer = await fetch(say.keys, {
    method: "POST",
    headers: { "x-csrftoken": decodeURIComponent(cookie("csrftoken")), Accept: "application/json" },
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function connect() {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  sending.peer = peer;
  for (const track of stream.getTracks()) {
    const sender = peer.addTransceiver(track, { direction: "sendonly", streams: [stream] }).sender;
    if (track.kind === "video") limit(sender);
  }
  peer.addEventListener("connectionstatechange", () => watch(peer));
  await peer.setLocalDescription();
  const answer = await fetch(sending.whip, {
    method: "POST",
    headers: { "Content-Type": MEDIA_TYPE, Authorization: `Bearer ${sending.key}` },
    body: peer.localDescription.sdp,
  });
  if (sending?.peer !== peer) return peer.close(); // stopped meanwhile
  if (answer.status !== 201) throw Object.assign(new Error("refused"), { status: answer.status });
  sending.place = answer.headers.get("Location");
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
}

function limit(sender) {
  const chosen = sender.getParameters();
  for (const encoding of chosen.encodings || []) encoding.maxBitrate = Number(say.kbps) * 1000;
  sender.setParameters(chosen).catch(() => {});
}

async function swapTracks(opened) {
  for (const sender of sending.peer.getSenders()) {
    const kind = sender.track?.kind;
    const next = opened.getTracks().find((track) => track.kind === kind);
    if (next) await sender.replaceTrack(next);
  }
}

function watch(peer) {
  if (sending?.peer !== peer) return;
  clearTimeout(sending.losing);
  if (peer.connectionState === "connected") {
    sending.tries = 0;
    tell(say.sayOn, "on");
  } else if (peer.connectionState === "disconnected") {
    sending.losing = setTimeout(() => again(), LOST_AFTER_MS);
  } else if (["failed", "closed"].includes(peer.connectionState)) {
    again();
  }
}

async function attempt() {
  try {
    await connect();
  } catch (error) {
    if (!sending) return;
    if ([401, 404, 410].includes(error.status)) return stop(error.status === 410 ? say.sayEnded : say.sayFailed);
    if (error.status === 409 && sending.tries >= AGAIN_AFTER_MS.length - 2) return stop(say.sayTaken);
    again();
  }
}

function again() {
  if (!sending) return;
  sending.peer?.close();
  if (sending.tries >= AGAIN_AFTER_MS.length) return stop(say.sayFailed);
  tell(say.sayAgain, "again");
  sending.waiting = setTimeout(attempt, AGAIN_AFTER_MS[sending.tries]);
  sending.tries += 1;
}

async function start() {
  fail("");
  find("start").hidden = true;
  find("stop").hidden = false;
  tell(say.sayConnecting, "connecting");
  try {
    const made = await newKey();
    sending = { key: made.key, whip: made.whip, tries: 0 };
  } catch {
    return stop(say.sayFailed);
  }
  attempt();
}

function stop(why = "") {
  const was = sending;
  sending = null;
  clearTimeout(was?.waiting);
  clearTimeout(was?.losing);
  was?.peer?.close();
  if (was?.place) {
    fetch(was.place, { method: "DELETE", headers: { Authorization: `Bearer ${was.key}` }, keepalive: true }).catch(() => {});
  }
  find("start").hidden = false;
  find("stop").hidden = true;
  tell(say.sayOff);
  fail(why);
}

// --- figures ----------------------------------------------------------------------------------

let last = null;

async function showSent() {
  if (!sending?.peer || sending.peer.connectionState !== "connected") return;
  const stats = [...(await sending.peer.getStats()).values()];
  const out = stats.find((one) => one.type === "outbound-rtp" && one.kind === "video");
  const source = stats.find((one) => one.type === "media-source" && one.kind === "video");
  if (!out) return;
  if (last && last.peer === sending.peer) {
    const seconds = (out.timestamp - last.at) / 1000;
    find("sent").textContent = kilobits(((out.bytesSent - last.bytes) * 8) / Math.max(seconds, 0.1));
  }
  last = { peer: sending.peer, at: out.timestamp, bytes: out.bytesSent };
  find("rate").textContent = Math.round(out.framesPerSecond || 0);
  find("dropped").textContent = Math.max(0, (source?.frames || out.framesSent) - out.framesSent);
}

async function showArriving() {
  const answer = await fetch(say.figures, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { publisher } = await answer.json();
  find("arrives").textContent = publisher ? kilobits(publisher.bitrate_bps) : "–";
  find("dropped-here").textContent = publisher ? publisher.dropped : "–";
}

async function showFigures() {
  if (!document.hidden) await Promise.allSettled([showSent(), showArriving()]);
  setTimeout(showFigures, FIGURES_EVERY_MS);
}

// --- controls ---------------------------------------------------------------------------------

function choose(source) {
  find("devices").hidden = source !== "camera";
  find("file").hidden = source !== "file";
  if (source === "camera") look(fromCamera).then(listDevices);
  if (source === "screen") look(fromScreen);
}

if (say.state !== "ended") {
  for (const radio of box.querySelectorAll("[name=source]")) {
    radio.addEventListener("change", () => choose(radio.value));
  }
  for (const name of ["camera", "microphone"]) find(name).addEventListener("change", () => look(fromCamera));
  find("file").querySelector("input").addEventListener("change", (event) => {
    const file = event.target.files[0];
    if (file) look(() => fromFile(file));
  });
  find("start").addEventListener("click", start);
  find("stop").addEventListener("click", () => stop());
  find("make-key").addEventListener("click", async () => {
    try {
      const made = await newKey();
      box.querySelector("#publish-key").value = made.key;
      find("new-key").hidden = false;
    } catch {
      fail(say.sayFailed);
    }
  });
  for (const button of box.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => navigator.clipboard.writeText(box.querySelector(`#${button.dataset.copy}`).value));
  }
  window.addEventListener("beforeunload", (event) => {
    if (sending) event.preventDefault();
  });
  window.addEventListener("pagehide", () => sending && stop());
  showFigures();
}
