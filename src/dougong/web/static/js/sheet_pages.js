// Pages inside the sheet: links and forms of what it shows are followed there, so that choosing,
// checking out and paying happen over the video. What another site must show leaves the page.

const place = document.getElementById("sheet-body");
const sheet = document.getElementById("sheet");
let here = location.href;

function isOurs(address) {
  return new URL(address, here).origin === location.origin;
}

async function go(address, options = {}) {
  const to = new URL(address, here);
  if (to.origin !== location.origin) return void (location.href = to.href);
  place.classList.add("is-waiting");
  const answer = await fetch(to, { ...options, headers: { accept: "text/html", ...options.headers } }).catch(() => null);
  place.classList.remove("is-waiting");
  if (!answer) return window.dougong.toast(document.body.dataset.offline);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const leave = page.querySelector("meta[http-equiv=refresh]")?.content.split("url=")[1];
  if (leave && !isOurs(leave)) return void (location.href = leave);
  const said = page.querySelector(".toast-message");
  const main = page.querySelector("main");
  if (!main) return window.dougong.toast(said?.textContent.trim() || String(answer.status));
  here = answer.url;
  show(main);
}

function show(main) {
  const box = document.createElement("div");
  box.className = "sheet-page";
  const close = document.createElement("button");
  close.className = "sheet-close";
  close.type = "button";
  close.dataset.close = "";
  close.textContent = "✕";
  close.setAttribute("aria-label", place.dataset.closeWords || "✕");
  box.append(close, ...main.childNodes);
  place.replaceChildren(box);
  window.htmx?.process(box);
  if (!sheet.open) sheet.showModal();
  place.scrollTop = 0;
  box.querySelector("h1, h2")?.setAttribute("tabindex", "-1");
  box.querySelector("h1, h2")?.focus();
}

function fields(form, submitter) {
  const data = new FormData(form, submitter);
  for (const outside of document.querySelectorAll(`[form="${form.id}"]`)) {
    if (form.id && outside.checked) data.set(outside.name, outside.value);
  }
  if (data.has("_csrf_token")) data.set("_csrf_token", window.dougong.csrf());
  return new URLSearchParams([...data].map(([name, value]) => [name, String(value)]));
}

place?.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (event.defaultPrevented || button?.hasAttribute("hx-post") || form.hasAttribute("hx-post")) return;
  event.preventDefault();
  const action = button?.getAttribute("formaction") || form.getAttribute("action") || here;
  const data = fields(form, button);
  if ((form.getAttribute("method") || "get").toLowerCase() === "get") {
    const to = new URL(action, here);
    data.forEach((value, name) => to.searchParams.set(name, value));
    go(to.href);
  } else {
    go(action, { method: "POST", body: data });
  }
});

place?.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || link.target === "_blank") return;
  const to = new URL(link.getAttribute("href"), here);
  if (to.origin !== location.origin || to.pathname.startsWith("/go/") || link.dataset.sheet) return;
  event.preventDefault();
  go(to.href);
});

// A link of the page that opens over it: `data-page`.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-page]");
  if (!link || !sheet || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});

sheet?.addEventListener("close", () => (here = location.href));
