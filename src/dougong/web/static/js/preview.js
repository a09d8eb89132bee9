// Plays the streams of a console page: natively where the browser can, else with hls.js, which is
// loaded when somebody presses play.

const loaded = new Map();

function library(url) {
  if (!loaded.has(url)) {
    loaded.set(url, new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    }));
  }
  return loaded.get(url);
}

async function start(video) {
  await library(video.dataset.library);
  if (!window.Hls?.isSupported()) {
    video.src = video.dataset.hls;
    return video.play();
  }
  const stream = new window.Hls({ enableWorker: false });
  stream.loadSource(video.dataset.hls);
  stream.attachMedia(video);
  stream.on(window.Hls.Events.MANIFEST_PARSED, () => video.play());
}

// A video without a source yet would show the browser's waiting ring: a button stands over it.
function cover(video, play) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "player-start";
  button.setAttribute("aria-label", video.dataset.play);
  button.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path fill="currentColor" d="M8 5.1v13.8c0 .8.9 1.3 1.6.9l11-6.9c.6-.4.6-1.4 0-1.8l-11-6.9c-.7-.4-1.6.1-1.6.9z"/></svg>';
  video.controls = false;
  video.after(button);
  button.addEventListener("click", () => {
    button.remove();
    video.controls = true;
    video.focus();
    play();
  });
}

for (const video of document.querySelectorAll("video[data-hls]")) {
  const isNative = Boolean(video.canPlayType("application/vnd.apple.mpegurl"));
  if (isNative) video.src = video.dataset.hls;
  if (video.dataset.play) cover(video, () => (isNative ? video.play() : start(video)));
  else if (!isNative) video.addEventListener("play", () => start(video), { once: true });
}
