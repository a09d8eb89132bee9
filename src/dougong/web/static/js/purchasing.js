// The buyer's pages work without this; with it, no hand has to leave the keyboard.

const form = document.querySelector("[data-purchase]");
if (form) edit(form);

function edit(form) {
  const body = form.querySelector("[data-order-rows]");
  const known = new Map(JSON.parse(form.querySelector("[data-known]").textContent).map((one) => [one.code, one]));
  const currency = form.dataset.currency;
  const money = new Intl.NumberFormat(document.documentElement.lang || "zh", { style: "currency", currency });
  const scale = 10 ** money.resolvedOptions().maximumFractionDigits;
  const pattern = body.rows[body.rows.length - 1].cloneNode(true);
  for (const field of pattern.querySelectorAll("input")) field.value = "";
  const add = form.querySelector("[data-add-row]");
  add.hidden = false;
  add.addEventListener("click", () => grow().querySelector("input").focus());

  const fields = () => [...body.querySelectorAll("input")];
  const cell = (row, name) => row.querySelector(`[name=${name}]`);
  const priceOf = (row) => {
    const typed = cell(row, "price").value.trim();
    if (typed) return Math.round(Number(typed) * scale);
    const units = Number(cell(row, "quantity").value);
    const steps = known.get(cell(row, "sku").value.trim())?.prices ?? [];
    const reached = steps.filter(([from]) => from <= units);
    return reached.length ? reached.reduce((best, one) => (one[0] > best[0] ? one : best))[1] : NaN;
  };
  function grow() {
    const row = pattern.cloneNode(true);
    body.append(row);
    dress(row);
    return row;
  }
  function dress(row) {
    const drop = row.querySelector("[data-drop-row]");
    drop.hidden = false;
    drop.addEventListener("click", () => {
      if (body.rows.length > 1) row.remove();
      else for (const field of row.querySelectorAll("input")) field.value = "";
      reckon();
    });
  }
  function packs(row) {
    const one = known.get(cell(row, "sku").value.trim());
    const units = cell(row, "quantity");
    if (one && !units.value) units.value = Math.ceil(one.least / one.pack) * one.pack;
    const odd = one && units.value && Number(units.value) % one.pack !== 0;
    units.classList.toggle("is-warning", Boolean(odd));
    units.title = odd ? `× ${one.pack}` : "";
  }
  function reckon() {
    let total = 0;
    for (const row of body.rows) {
      const amount = priceOf(row) * Number(cell(row, "quantity").value);
      row.querySelector("[data-amount]").textContent = amount > 0 ? money.format(amount / scale) : "";
      const price = priceOf(row);
      if (!cell(row, "price").value) cell(row, "price").placeholder = price >= 0 ? (price / scale).toFixed(Math.log10(scale)) : "";
      if (amount > 0) total += amount;
    }
    form.querySelector("[data-total]").textContent = total ? money.format(total / scale) : "";
  }
  body.addEventListener("input", reckon);
  body.addEventListener("change", (event) => {
    if (event.target.name === "sku") packs(event.target.closest("tr"));
    reckon();
  });
  body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (event.target.name === "sku") packs(event.target.closest("tr"));
    const all = fields();
    const at = all.indexOf(event.target);
    const next = all[at + 1] ?? grow().querySelector("input");
    next.focus();
    next.select?.();
    reckon();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  [...body.rows].forEach(dress);
  reckon();
}

// Lists: / searches, n makes a new one, j and k walk, Enter opens -----------------------------------
const list = document.querySelector("[data-rows] tbody");
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const act = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (act) {
    event.preventDefault();
    act.click();
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("[name=q]")?.focus();
  }
  if (list && (event.key === "j" || event.key === "k")) {
    const rows = [...list.rows];
    const at = rows.findIndex((row) => row.classList.contains("is-chosen"));
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === "j" ? 1 : -1)))];
    rows[at]?.classList.remove("is-chosen");
    next?.classList.add("is-chosen");
    next?.scrollIntoView({ block: "nearest" });
  }
  if (list && event.key === "Enter") list.querySelector("tr.is-chosen a")?.click();
});
