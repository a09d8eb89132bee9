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

for (const video of document.querySelectorAll("video[data-hls]")) {
  if (video.canPlayType("application/vnd.apple.mpegurl")) {
    video.src = video.dataset.hls;
  } else {
    video.addEventListener("play", () => start(video), { once: true });
  }
}
