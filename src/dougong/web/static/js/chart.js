// Draws every `figure[data-chart]` with ECharts from the JSON beside it, in the brand's colours,
// and writes the same figures as a table for those who cannot see a chart.

const COLOURS = ["#d1331a", "#e8a13a", "#2f7f86", "#7a5aa6", "#5b8c3e", "#a4574a", "#466b9c", "#9a8577"];
const THEME = {
  color: COLOURS,
  textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: "#5f554e" },
  categoryAxis: {
    axisLine: { lineStyle: { color: "#d5cbc3" } },
    axisTick: { show: false },
    axisLabel: { color: "#756a62" },
  },
  valueAxis: {
    axisLine: { show: false },
    axisLabel: { color: "#756a62" },
    splitLine: { lineStyle: { color: "#efe9e4" } },
  },
  line: { smooth: 0.25, symbol: "none", lineStyle: { width: 2.5 } },
  bar: { itemStyle: { borderRadius: [3, 3, 0, 0] }, barMaxWidth: 28 },
};
const language = document.documentElement.lang;

function speak(figure) {
  const currency = figure.dataset.currency;
  const money = (digits) =>
    new Intl.NumberFormat(language, {
      style: "currency", currency, minimumFractionDigits: 0, maximumFractionDigits: digits,
      notation: "compact",
    });
  // What nobody knows is no figure, and not 0.
  const known = (format) => (n) => (n === null || n === undefined ? "–" : format(n));
  if (!currency) return { long: known((n) => new Intl.NumberFormat(language).format(n)), short: null };
  const per = 10 ** new Intl.NumberFormat("en", { style: "currency", currency })
    .resolvedOptions().maximumFractionDigits;
  const exact = new Intl.NumberFormat(language, { style: "currency", currency });
  return { long: known((n) => exact.format(n / per)), short: (n) => money(1).format(n / per) };
}

function dress(option, words) {
  const many = (what) => (Array.isArray(what) ? what : what ? [what] : []);
  const says = (value) => words.long(Array.isArray(value) ? value.at(-1) : value);
  for (const axis of [...many(option.yAxis), ...many(option.xAxis)]) {
    if (axis.type === "value" && words.short) axis.axisLabel = { formatter: words.short, ...axis.axisLabel };
  }
  for (const one of many(option.series)) {
    if (one.label?.show && words.short) one.label.formatter = (at) => words.short(at.value);
  }
  if (option.tooltip !== false) option.tooltip = { trigger: "axis", valueFormatter: says, confine: true, ...option.tooltip };
  option.grid ??= { left: 8, right: 12, top: many(option.series).length > 1 ? 36 : 16, bottom: 4, containLabel: true };
  if (many(option.series).length > 1) option.legend ??= { top: 0, icon: "roundRect", itemWidth: 12, itemHeight: 8 };
  option.animation ??= !matchMedia("(prefers-reduced-motion: reduce)").matches;
  option.animationDuration ??= 250;
  option.aria = { enabled: true };
  return option;
}

function tabulate(figure, option, words) {
  const axis = [option.xAxis, option.yAxis].flat().find((one) => one?.data);
  const series = [option.series].flat().filter(Boolean);
  const table = document.createElement("table");
  const row = (cells, tag) => {
    const line = table.insertRow();
    for (const text of cells) {
      const cell = document.createElement(tag);
      if (tag === "th") cell.scope = "col";
      cell.textContent = text;
      line.append(cell);
    }
  };
  if (axis) {
    row(["", ...series.map((one) => one.name ?? "")], "th");
    axis.data.forEach((label, i) => {
      row([label?.value ?? label, ...series.map((one) => words.long(one.data[i]?.value ?? one.data[i]))], "td");
    });
  } else {
    for (const one of series.flatMap((s) => s.data ?? [])) {
      if (one?.name !== undefined) row([one.name, words.long(one.value)], "td");
      else if (Array.isArray(one)) row([one[0], words.long(one.at(-1))], "td");
    }
  }
  figure.querySelector(".chart-table > div")?.replaceChildren(table);
}

function draw(figure) {
  if (figure.dataset.drawn) return;
  figure.dataset.drawn = "yes";
  const option = JSON.parse(figure.querySelector("script").textContent);
  const words = speak(figure);
  tabulate(figure, structuredClone(option), words);
  const canvas = figure.querySelector(".chart-canvas");
  const chart = window.echarts.init(canvas, "dougong", { renderer: "svg" });
  chart.setOption(dress(option, words));
  new ResizeObserver(() => chart.resize()).observe(canvas);
}

let loading = null;
function load() {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = document.querySelector("script[data-echarts]").dataset.echarts;
    script.onload = () => {
      window.echarts.registerTheme("dougong", THEME);
      done();
    };
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}

async function drawAll() {
  const figures = document.querySelectorAll("figure[data-chart]");
  if (!figures.length) return;
  await load();
  figures.forEach(draw);
}

drawAll();
document.body.addEventListener("htmx:afterSettle", drawAll);
