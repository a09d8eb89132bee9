// What every page needs: messages, the CSRF token, questions before an act, sheets, back.
// Other modules say `document.dispatchEvent(new CustomEvent("toast", {detail: {text, good}}))`.

const body = document.body;
const csrf = () => {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith("csrftoken="));
  return cookie ? decodeURIComponent(cookie.slice(10)) : body.dataset.csrf || "";
};

// Messages -----------------------------------------------------------------------------------

const place = document.getElementById("toast");

function toast(text, good = false) {
  const box = document.createElement("div");
  box.className = good ? "toast-message is-good" : "toast-message";
  box.setAttribute("role", good ? "status" : "alert");
  const words = document.createElement("p");
  words.textContent = text;
  box.append(words);
  hostOfToast().replaceChildren(box);
  leave(box);
}

// A message must stand above an open dialog, which is in the browser's top layer.
function hostOfToast() {
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  (open ?? body).append(place);
  return place;
}

function leave(box) {
  setTimeout(() => box.remove(), 5000);
}

document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.good));
body.addEventListener("htmx:afterSwap", (event) => {
  if (event.target === place) {
    hostOfToast();
    [...place.children].forEach(leave);
  }
});
[...place.children].forEach(leave);

// Asking the server --------------------------------------------------------------------------

const toSignIn = () => {
  location.href = "/sign-in?next=" + encodeURIComponent(location.pathname + location.search);
};

// POST for modules: form fields in, parsed JSON or text out; refusals become a message.
async function post(url, fields = {}) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "x-csrftoken": csrf(), "hx-request": "true", accept: "application/json, text/html" },
    body: new URLSearchParams(fields),
  });
  if (answer.status === 401) toSignIn();
  if (!answer.ok) {
    const said = new DOMParser().parseFromString(await answer.text(), "text/html");
    toast(said.querySelector(".toast-message")?.textContent.trim() || said.body.textContent.trim());
    throw new Error(String(answer.status));
  }
  const kind = answer.headers.get("content-type") || "";
  return kind.includes("json") ? answer.json() : answer.text();
}

window.dougong = { post, toast, csrf, toSignIn };

body.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["x-csrftoken"] = csrf();
});
body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 401) {
    event.detail.shouldSwap = false;
    toSignIn();
  }
});
// What renews itself waits while somebody works in it.
body.addEventListener("htmx:beforeRequest", (event) => {
  const busy = event.target.dataset.restsFor;
  if (busy && event.target.querySelector(busy)) event.preventDefault();
});
body.addEventListener("htmx:sendError", () => toast(body.dataset.offline || "…"));

// A fragment that is the same for everybody has no token in its forms.
document.addEventListener("submit", (event) => {
  const field = event.target.querySelector?.("input[name=_csrf_token]");
  if (field && !field.value) field.value = csrf();
}, true);

// Questions before an act ----------------------------------------------------------------------

const ask = document.getElementById("ask");
let asked = null;

function question(words, act) {
  ask.querySelector("#ask-question").textContent = words;
  ask.returnValue = "no";
  ask.showModal();
  ask.onclose = () => ask.returnValue === "yes" && act();
}
window.dougong.question = question;

document.addEventListener("submit", (event) => {
  const form = event.target;
  const words = event.submitter?.dataset.confirm || form.dataset.confirm;
  if (!words || asked === form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  question(words, () => {
    asked = form;
    form.requestSubmit(event.submitter);
    asked = null;
  });
}, true);

body.addEventListener("htmx:confirm", (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  question(event.detail.question, () => event.detail.issueRequest(true));
});

// One act, one sending: a form that is under way is not sent twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sending) event.preventDefault();
  form.dataset.sending = "yes";
  setTimeout(() => delete form.dataset.sending, 4000);
});

// Small things ---------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const back = event.target.closest("[data-back]");
  if (back && document.referrer.startsWith(location.origin) && history.length > 1) {
    event.preventDefault();
    history.back();
  }
  const print = event.target.closest("[data-print]");
  if (print) window.print();
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    navigator.clipboard?.writeText(copy.dataset.copy);
    toast(copy.dataset.copied || copy.dataset.copy, true);
  }
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open)?.showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement) event.target.close();
  for (const menu of document.querySelectorAll("details.account-menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.account-menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

// How many things are in the cart: kept by the cart, read by every page.
function showCartCount(count) {
  for (const badge of document.querySelectorAll("[data-cart-count]")) {
    badge.textContent = count > 99 ? "99+" : String(count);
    badge.hidden = !(count > 0);
  }
}
document.addEventListener("cart-count", (event) => {
  const count = event.detail?.value ?? event.detail;
  sessionStorage.setItem("cart-count", String(count));
  showCartCount(count);
});
function readCart() {
  const counted = document.querySelector("[data-cart-holds]");
  if (counted) sessionStorage.setItem("cart-count", counted.dataset.cartHolds);
  if (body.dataset.signedIn !== "yes") sessionStorage.removeItem("cart-count");
  showCartCount(Number(sessionStorage.getItem("cart-count") || 0));
}
readCart();
body.addEventListener("htmx:afterSettle", readCart);
