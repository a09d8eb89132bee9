// The merchant's console works without this; with it, rows are added and amounts shown at once.

// Variants: rows come and go ------------------------------------------------------------------
const table = document.querySelector("[data-variants]");
if (table) {
  const blank = table.querySelector("[data-blank]");
  const pattern = blank.cloneNode(true);
  const fill = (row) => {
    const drop = row.querySelector("[data-drop-row]");
    drop.hidden = false;
    drop.addEventListener("click", () => {
      row.remove();
      earn();
    });
  };
  if (table.rows.length > 1) blank.remove();
  [...table.rows].forEach(fill);
  const add = document.querySelector("[data-add-row]");
  add.hidden = false;
  add.addEventListener("click", () => {
    const row = pattern.cloneNode(true);
    table.append(row);
    fill(row);
    row.querySelector("input:not([type=hidden])").focus();
  });
}

// "A creator earns ¥x" ------------------------------------------------------------------------
const form = document.querySelector("[data-product]");
function earn() {
  if (!form) return;
  const rate = Number(form.elements.commission.value);
  const prices = [...form.querySelectorAll("[name=price]")].map((one) => Number(one.value)).filter((one) => one > 0);
  const line = form.querySelector("[data-earns]");
  const known = rate > 0 && rate <= 90 && prices.length > 0;
  line.hidden = !known;
  if (!known) return;
  const currency = form.dataset.currency;
  const money = new Intl.NumberFormat(document.documentElement.lang || "zh", { style: "currency", currency });
  const scale = 10 ** money.resolvedOptions().maximumFractionDigits;
  const minor = Math.round(Math.min(...prices) * scale);
  line.querySelector("[data-earns-amount]").textContent = money.format(Math.floor((minor * Math.round(rate * 100)) / 10_000) / scale);
}
form?.addEventListener("input", earn);
earn();

// Pictures are sent as soon as they are chosen ------------------------------------------------
for (const one of document.querySelectorAll("[data-auto-send]")) {
  one.classList.add("is-auto");
  one.querySelector("input[type=file]").addEventListener("change", () => one.requestSubmit());
}

// Bulk acts appear once something is chosen ---------------------------------------------------
for (const one of document.querySelectorAll("[data-bulk]")) {
  const boxes = [...one.querySelectorAll("tbody input[type=checkbox]")];
  const all = one.querySelector("[data-bulk-all]");
  if (!all) continue;
  const bar = one.querySelector(".bulk-bar");
  const show = () => bar.classList.toggle("is-idle", !boxes.some((box) => box.checked));
  all.addEventListener("change", () => {
    boxes.forEach((box) => (box.checked = all.checked));
    show();
  });
  boxes.forEach((box) => box.addEventListener("change", show));
  show();
}

// "All" of a line, on the refund form ---------------------------------------------------------
for (const one of document.querySelectorAll("[data-refund-all]")) {
  one.addEventListener("click", () => {
    const field = one.parentElement.querySelector("input");
    field.value = field.dataset.left;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
