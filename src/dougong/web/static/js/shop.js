// Sheets that slide up, choosing a variant, typed coupon codes.

const sheet = document.getElementById("sheet");
const place = document.getElementById("sheet-body");

function wait(where) {
  where.replaceChildren(Object.assign(document.createElement("p"), { className: "sheet-wait", textContent: "…" }));
}

// Puts what the address answers into a place. False when it was refused, which is then said.
async function fill(where, address) {
  const answer = await fetch(address, { headers: { "hx-request": "true" } }).catch(() => null);
  const text = (await answer?.text()) ?? "";
  if (!answer?.ok) {
    const said = new DOMParser().parseFromString(text, "text/html").querySelector(".toast-message");
    window.dougong.toast(said?.textContent.trim() || document.body.dataset.offline || String(answer?.status ?? "…"));
    return false;
  }
  if (answer.headers.get("hx-redirect")) {
    location.href = answer.headers.get("hx-redirect");
    return true;
  }
  where.innerHTML = text;
  window.htmx?.process(where);
  dress(where);
  document.body.dispatchEvent(new CustomEvent("htmx:afterSettle", { bubbles: true }));
  return true;
}

window.dougong.fill = fill;

async function open(address) {
  if (window.dougong.dock?.(address)) return;
  wait(place);
  if (!sheet.open) sheet.showModal();
  if (!(await fill(place, address))) sheet.close();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-sheet]");
  if (opener && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    open(opener.dataset.sheet);
    if (opener.dataset.click) click(opener);
  }
  const step = event.target.closest("[data-less], [data-more]");
  if (step) count(step);
});

// A tap on a product card counts once, however often it is sent.
function click(card) {
  fetch(card.dataset.click, {
    method: "POST",
    keepalive: true,
    headers: { "x-csrftoken": window.dougong.csrf() },
    body: new URLSearchParams({ click_id: crypto.randomUUID?.() ?? uuid(), share: card.dataset.byShare ?? "" }),
  }).catch(() => {});
}

window.dougong.click = click;

// crypto.randomUUID is only there over HTTPS and on localhost.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function count(button) {
  const input = button.parentElement.querySelector("input");
  if (!input) return;
  const next = Number(input.value || 1) + (button.hasAttribute("data-more") ? 1 : -1);
  input.value = String(Math.min(Number(input.max), Math.max(1, next)));
}

// Choosing a variant -----------------------------------------------------------------------------

function dress(root) {
  root.querySelectorAll("form[data-picker]").forEach(picker);
  root.querySelectorAll(".gallery").forEach(gallery);
}

function picker(form) {
  if (form.dataset.dressed) return;
  form.dataset.dressed = "yes";
  const select = form.querySelector("select[name=sku_id]");
  const variants = [...select.options].map((option) => ({
    option, options: JSON.parse(option.dataset.options), free: Number(option.dataset.free),
  }));
  const axes = [...form.querySelectorAll("fieldset[data-axis]")];
  if (axes.length) {
    form.querySelector(".picker-plain").hidden = true;
    axes.forEach((axis) => (axis.hidden = axis.querySelectorAll("input").length < 2 && axes.length === 1 && variants.length === 1));
  }
  const chosen = () => Object.fromEntries(
    axes.map((axis) => [axis.dataset.axis, axis.querySelector("input:checked")?.value]),
  );
  const fits = (variant, wanted) =>
    Object.entries(wanted).every(([name, value]) => variant.options[name] === value);

  function update() {
    const wanted = chosen();
    const found = axes.length
      ? variants.find((variant) => fits(variant, wanted))
      : variants.find((variant) => variant.option.selected);
    for (const axis of axes) {
      for (const input of axis.querySelectorAll("input")) {
        const free = variants.some((variant) => variant.free > 0 && fits(variant, { ...wanted, [axis.dataset.axis]: input.value }));
        input.closest(".chip").classList.toggle("is-out", !free);
      }
    }
    const free = found?.free ?? 0;
    if (found) found.option.selected = true;
    const scope = form.closest("[data-product]") ?? document;
    if (found) {
      scope.querySelector("[data-price-now]").textContent = found.option.dataset.price;
      const before = scope.querySelector("[data-price-list]");
      before.textContent = found.option.dataset.list;
      before.hidden = !found.option.dataset.list;
    }
    const stock = form.querySelector("[data-stock]");
    stock.textContent = free === 0 ? stock.dataset.none
      : free <= 10 ? stock.dataset.some.replace("{count}", String(free)) : stock.dataset.plenty;
    stock.classList.toggle("is-few", free > 0 && free <= 10);
    stock.classList.toggle("is-out", free === 0);
    const quantity = form.querySelector("input[name=quantity]");
    quantity.max = String(Math.max(1, Math.min(free, 999)));
    if (Number(quantity.value) > Number(quantity.max)) quantity.value = quantity.max;
    form.querySelectorAll(".picker-buttons button").forEach((button) => (button.disabled = free === 0));
  }

  form.addEventListener("change", update);
  // The radios belong to no form, so that they are not sent: they are listened to one by one.
  axes.forEach((axis) => axis.addEventListener("change", update));
  update();
}

function gallery(box) {
  const strip = box.querySelector(".gallery-strip");
  const at = box.querySelector("[data-gallery-at]");
  if (!at) return;
  strip.addEventListener("scroll", () => {
    const width = strip.querySelector("img").offsetWidth;
    at.textContent = String(Math.round(strip.scrollLeft / width) + 1);
  }, { passive: true });
}

dress(document);

// A typed coupon code becomes the address's `coupon=<store>:<CODE>`.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.coupon) return;
  const code = form.querySelector("[data-code]").value.trim().toUpperCase();
  form.querySelector("[data-coupon-value]").value = `${form.dataset.coupon}:${code}`;
}, true);

// Choosing a coupon loads the checkout again: the address that was chosen stays chosen.
document.body.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.closest?.("[data-keeps-address]")) return;
  const chosen = document.querySelector("input[name=address_id]:checked");
  if (chosen) event.detail.parameters.address = chosen.value;
});
