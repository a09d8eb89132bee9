// A scanner is a keyboard: what it types goes into one field, which keeps the focus. Where the
// browser reads barcodes itself, the camera is a scanner too.
const field = document.querySelector("[data-scan]");
const button = document.querySelector("[data-camera]");
const view = document.querySelector("[data-camera-view]");

if (field) {
  field.focus();
  document.addEventListener("keydown", (event) => {
    const away = event.target === document.body || event.target === document.documentElement;
    if (away && event.key.length === 1 && !event.ctrlKey && !event.metaKey) field.focus();
  });
}

async function watch() {
  const detector = new BarcodeDetector();
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  view.srcObject = stream;
  view.hidden = false;
  await view.play();
  const timer = setInterval(async () => {
    const [found] = await detector.detect(view);
    if (!found) return;
    clearInterval(timer);
    for (const track of stream.getTracks()) track.stop();
    view.hidden = true;
    field.value = found.rawValue;
    field.form.requestSubmit();
  }, 200);
}

if (field && button && view && "BarcodeDetector" in window && navigator.mediaDevices) {
  button.hidden = false;
  button.addEventListener("click", () => watch().catch(() => field.focus()));
}
