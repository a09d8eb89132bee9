// The feed: plays the slide in view, prepares the next, pauses the others, fetches more.

const feed = document.querySelector(".feed");
const NEAR = 1; // slides on either side that hold a stream
const sound = document.querySelector(".feed-mute");
let loud = sessionStorage.getItem("feed-sound") === "on";
let current = null;
let startedAt = 0;

const slides = () => [...feed.querySelectorAll(".slide")];
const video = (slide) => slide.querySelector("video");
const signedIn = document.body.dataset.signedIn === "yes";

// Streams --------------------------------------------------------------------------------------

const streams = new WeakMap();

function attach(slide) {
  const screen = video(slide);
  if (streams.has(slide) || screen.src) return;
  const address = slide.dataset.playlist;
  if (window.Hls?.isSupported()) {
    const stream = new window.Hls({ maxBufferLength: 12, startLevel: -1, capLevelToPlayerSize: true });
    stream.loadSource(address);
    stream.attachMedia(screen);
    streams.set(slide, stream);
  } else if (screen.canPlayType("application/vnd.apple.mpegurl")) {
    screen.src = address;
  }
}

function detach(slide) {
  const screen = video(slide);
  screen.pause();
  streams.get(slide)?.destroy();
  streams.delete(slide);
  screen.removeAttribute("src");
  screen.load();
}

function play(slide) {
  const screen = video(slide);
  screen.muted = !loud;
  slide.classList.remove("is-paused");
  screen.play().catch((why) => {
    if (why.name !== "NotAllowedError") return;
    screen.muted = true;
    screen.play().catch(() => slide.classList.add("is-paused"));
  });
}

function pause(slide) {
  video(slide).pause();
  slide.classList.add("is-paused");
}

// What is in view --------------------------------------------------------------------------------

function show(slide) {
  if (slide === current) return;
  if (current) leave(current);
  current = slide;
  slide.classList.add("is-current");
  document.dispatchEvent(new CustomEvent("slide-shown", { detail: slide }));
  startedAt = performance.now();
  const all = slides();
  const at = all.indexOf(slide);
  attach(slide);
  play(slide);
  all.forEach((other, i) => {
    if (Math.abs(i - at) > NEAR + 1) detach(other);
    else if (i === at + NEAR) attach(other);
  });
  if (at >= all.length - 3) fetchMore();
}

function leave(slide) {
  video(slide).pause();
  slide.classList.remove("is-paused", "is-current");
  const watched = Math.round(performance.now() - startedAt);
  if (!signedIn || watched < 500) return;
  fetch(`/videos/${slide.dataset.video}/seen`, {
    method: "POST",
    keepalive: true,
    headers: { "x-csrftoken": window.dougong.csrf() },
    body: new URLSearchParams({ watched_ms: String(watched) }),
  }).catch(() => {});
}

const seen = new IntersectionObserver(
  (entries) => entries.forEach((entry) => entry.isIntersecting && show(entry.target)),
  { root: feed, threshold: 0.6 },
);

let fetching = false;
async function fetchMore() {
  const mark = feed.querySelector(".feed-next");
  if (!mark || fetching) return;
  fetching = true;
  feed.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(mark.dataset.next);
    if (!answer.ok) throw new Error(String(answer.status));
    const made = document.createRange().createContextualFragment(await answer.text());
    mark.remove();
    const known = new Set(slides().map((one) => one.dataset.video));
    for (const slide of made.querySelectorAll(".slide")) {
      if (known.has(slide.dataset.video)) slide.remove();
    }
    const added = [...made.querySelectorAll(".slide")];
    feed.append(made);
    added.forEach((slide) => {
      window.htmx?.process(slide);
      ready(slide);
    });
  } catch {
    setTimeout(() => (fetching = false), 3000);
    return;
  } finally {
    feed.setAttribute("aria-busy", "false");
  }
  fetching = false;
}

function ready(slide) {
  seen.observe(slide);
  const bar = slide.querySelector(".slide-progress i");
  video(slide).addEventListener("timeupdate", (event) => {
    const { currentTime, duration } = event.target;
    bar.style.width = duration ? `${(100 * currentTime) / duration}%` : "0";
  });
  slide.querySelector(".slide-tap").addEventListener("click", () => toggle(slide));
}

function toggle(slide) {
  if (video(slide).paused) play(slide);
  else pause(slide);
}

function step(by) {
  const all = slides();
  const to = all[Math.min(all.length - 1, Math.max(0, all.indexOf(current) + by))];
  to?.scrollIntoView({ block: "start", behavior: "smooth" });
}

// Controls ---------------------------------------------------------------------------------------

function setSound(on) {
  loud = on;
  sessionStorage.setItem("feed-sound", on ? "on" : "off");
  sound.setAttribute("aria-pressed", String(on));
  if (current) video(current).muted = !on;
}

const keys = {
  ArrowDown: () => step(1), j: () => step(1),
  ArrowUp: () => step(-1), k: () => step(-1),
  " ": () => current && toggle(current),
  m: () => setSound(!loud),
  l: () => current?.querySelector(".act-like")?.click(),
  c: () => current?.querySelector(".act-comments")?.click(),
  p: () => current?.querySelector(".slide-card")?.click(),
};

if (feed) {
  slides().forEach(ready);
  sound.setAttribute("aria-pressed", String(loud));
  sound.addEventListener("click", () => setSound(!loud));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const at = event.target;
    if (at.matches("input, textarea, select")) return;
    if (event.key === " " && at.matches("button, a")) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("click", (event) => {
    const arrow = event.target.closest("[data-step]");
    if (arrow) step(Number(arrow.dataset.step));
    const hide = event.target.closest("[data-hide]");
    if (hide) {
      const gone = document.getElementById(`slide-${hide.dataset.hide}`);
      step(1);
      setTimeout(() => gone?.remove(), 600);
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!current) return;
    if (document.hidden) video(current).pause();
    else if (!current.classList.contains("is-paused")) play(current);
  });
  addEventListener("pagehide", () => current && leave(current));
} else {
  sound?.remove();
}

// A like shows at once; the server's button replaces it.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const button = event.target.closest?.(".act-like, .act-follow");
  if (button && signedIn) button.classList.toggle("is-on");
});
document.body.addEventListener("htmx:responseError", (event) => {
  const button = event.target.closest?.(".act-like, .act-follow");
  if (button && signedIn) button.classList.toggle("is-on");
});
document.body.addEventListener("htmx:afterSettle", () => {
  const comments = document.querySelector(".comments[data-video]");
  const count = comments && document.querySelector(`#slide-${CSS.escape(comments.dataset.video)} .act-count`);
  if (count && Number(comments.dataset.total) < 10000) count.textContent = comments.dataset.total;
});
