// Resumable upload with tus-js-client: choosing the same file again goes on where it stopped.

const box = document.querySelector("[data-upload]");
const say = box.dataset;
const find = (name) => box.querySelector(`[${name}]`);
const input = box.querySelector("input[type=file]");
const drop = box.querySelector(".upload-drop");
const run = find("data-run");
const bar = find("data-bar");
const pauseButton = find("data-pause-button");

const cookie = (name) =>
  document.cookie.split("; ").find((one) => one.startsWith(name + "="))?.slice(name.length + 1) || "";
const megabytes = (bytes) => (bytes / 1e6).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 }) + " MB";

let upload = null;
let isRunning = false;

function tell(text) {
  find("data-say").textContent = text;
}

function fail(text) {
  find("data-error").textContent = text;
}

function show(sent, total) {
  const percent = total ? Math.floor((sent / total) * 100) : 0;
  bar.setAttribute("aria-valuenow", percent);
  bar.firstElementChild.style.width = percent + "%";
  find("data-size").textContent = `${megabytes(sent)} / ${megabytes(total)} · ${percent} %`;
}

function setRunning(running) {
  isRunning = running;
  pauseButton.textContent = running ? say.pause : say.resume;
}

// A browser does not know every kind: then the name's ending decides.
function isVideo(file) {
  return file.type ? file.type.startsWith("video/") : /\.(mp4|m4v|mov|webm|mkv)$/i.test(file.name);
}

function choose(file) {
  fail("");
  if (!file) return;
  if (!isVideo(file)) return fail(say.sayNotVideo);
  if (file.size > Number(say.mostBytes)) return fail(say.sayTooBig);
  find("data-name").textContent = file.name;
  show(0, file.size);
  drop.hidden = true;
  run.hidden = false;
  start(file);
}

async function start(file) {
  upload = new window.tus.Upload(file, {
    endpoint: say.endpoint,
    chunkSize: Number(say.chunkBytes),
    retryDelays: [0, 1000, 3000, 5000, 10000, 20000],
    metadata: { filename: file.name, filetype: file.type },
    removeFingerprintOnSuccess: true,
    onBeforeRequest(request) {
      request.setHeader("x-csrftoken", decodeURIComponent(cookie("csrftoken")));
    },
    onAfterResponse(request, response) {
      const place = response.getHeader("Video-Location");
      if (place) box.dataset.place = place;
    },
    onShouldRetry(error) {
      const status = error.originalResponse?.getStatus() || 0;
      if (status === 0) tell(say.sayLost);
      return status === 0 || status === 409 || status === 429 || status >= 500;
    },
    onProgress(sent, total) {
      show(sent, total);
      if (isRunning) tell(say.saySending);
    },
    onSuccess() {
      tell(say.sayDone);
      location.href = box.dataset.place;
    },
    onError(error) {
      setRunning(false);
      const body = error.originalResponse?.getBody();
      const isPlain = (error.originalResponse?.getHeader("content-type") || "").startsWith("text/plain");
      fail(isPlain && body ? body : say.sayFailed);
      if (error.originalResponse && !isPlain) return;
      if (isPlain) reset();
    },
  });
  const earlier = await upload.findPreviousUploads();
  const last = earlier.at(-1);
  if (last) {
    upload.resumeFromPreviousUpload(last);
    tell(say.sayResumed);
  } else {
    tell(say.saySending);
  }
  setRunning(true);
  upload.start();
}

function reset() {
  upload = null;
  input.value = "";
  run.hidden = true;
  drop.hidden = false;
}

pauseButton.addEventListener("click", () => {
  if (isRunning) {
    upload.abort();
    setRunning(false);
    tell(say.sayPaused);
  } else {
    fail("");
    setRunning(true);
    upload.start();
  }
});

find("data-cancel-button").addEventListener("click", (event) => {
  window.dougong.question(event.currentTarget.dataset.question, () => {
    upload?.abort(true).catch(() => {});
    setRunning(false);
    reset();
  });
});

input.addEventListener("change", () => choose(input.files[0]));
for (const kind of ["dragover", "dragenter"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
}
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("is-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  choose(event.dataTransfer.files[0]);
});
window.addEventListener("beforeunload", (event) => {
  if (isRunning && !box.dataset.place) event.preventDefault();
});
