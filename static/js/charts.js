// Charts drawn from the table beside them: <div class="chart" data-chart="bars|line|dots" data-table="id of the table">.
// What each kind reads from the table, and its other data- attributes, stands in docs/pages.md.
import { mount, notch, rows, token } from "./echarts-theme.js";

const texts = () => document.getElementById("texts")?.dataset ?? {};
const chinese = document.documentElement.lang.startsWith("zh");
const format = (places) => new Intl.NumberFormat("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });

function writer({ unit = "", decimals = "0" }) {
  const digits = format(Number(decimals)), space = unit && !(chinese && unit === "%") ? "\u00a0" : "";
  return (value) => (value === null || value === undefined || Number.isNaN(value) ? "–" : `${digits.format(value)}${unit && space + unit}`);
}

function axisLabel({ unit = "" }) {
  const space = unit && !(chinese && unit === "%") ? "\u00a0" : "";
  return { formatter: (value) => `${+value.toFixed(4)}${unit && space + unit}` };
}

const tableOf = (element) => document.getElementById(element.dataset.table);

// Counts by hour or day: bars from zero, the expectation as a notch. data-running: index of the bar that is not finished. A row with
// data-verdict="bad" is painted as bad: the page judges whether a count lies clear of its expectation, not the chart.
function bars(element) {
  const data = rows(tableOf(element)), write = writer(element.dataset);
  const running = element.dataset.running === undefined ? -1 : Number(element.dataset.running);
  const hasExpected = data.some((d) => typeof d.expected === "number");
  const colour = (d, i) => token(i === running ? "--v-seq-3" : d.row.dataset.verdict === "bad" ? "--c-bad-mark" : "--v-1");
  return {
    grid: { left: 8, right: 4, top: 14, bottom: 4, containLabel: true },
    xAxis: { type: "category", data: data.map((d) => d.name) },
    yAxis: { type: "value", min: 0, splitNumber: 3, minInterval: 1, axisLabel: axisLabel(element.dataset) },
    tooltip: {
      trigger: "axis",
      formatter: ([{ dataIndex: i }]) => `${data[i].name}\n${element.dataset.name ?? ""} ${write(data[i].value)}`
        + (hasExpected ? `\n${element.dataset.expectedName ?? ""} ${write(data[i].expected)}` : ""),
    },
    series: [
      {
        type: "bar", barWidth: "56%",
        data: data.map((d, i) => ({
          value: d.value || null,
          itemStyle: { color: colour(d, i) },
          label: { color: token(i === running ? "--c-ink" : "--c-on-accent") },
        })),
        label: { show: data.length <= 16, position: "insideTop", fontSize: 12 },
        labelLayout: ({ rect, labelRect }) => (rect.height < labelRect.height + 4 || rect.width < labelRect.width ? { fontSize: 0 } : {}),
      },
      ...(hasExpected ? [notch(data.map((d, i) => [i, d.expected]).filter(([, v]) => v !== null))] : []),
    ],
  };
}

// Two labels at the ends of lines that lie nearly at one height are moved apart: [of the value, of the period before], in pixels.
function apart(data) {
  const known = (name) => data.map((d) => d[name]).filter((v) => typeof v === "number");
  const value = known("value").at(-1), before = known("before").at(-1);
  const all = ["value", "before", "low", "high"].flatMap(known);
  const range = Math.max(...all) - Math.min(...all);
  if (value === undefined || before === undefined || Math.abs(value - before) > range * .15) return [0, 0];
  return value >= before ? [-9, 9] : [9, -9];
}

// A rate over time: line with its interval band; the period before dashed; a limit or target as a thin line.
function line(element) {
  const data = rows(tableOf(element)), write = writer(element.dataset);
  const clear = { type: "line", stack: "band", silent: true, symbol: "none", lineStyle: { opacity: 0 }, tooltip: { show: false } };
  const hasBand = data.some((d) => typeof d.low === "number"), hasBefore = data.some((d) => typeof d.before === "number");
  const target = element.dataset.target;
  const before = element.dataset.beforeName ?? texts().before;
  const [up, down] = apart(data);
  return {
    grid: { left: 8, right: 68, top: 14, bottom: 4, containLabel: true },
    xAxis: { type: "category", boundaryGap: false, data: data.map((d) => d.name) },
    yAxis: { type: "value", scale: element.dataset.zero === undefined, splitNumber: 4, axisLabel: axisLabel(element.dataset) },
    tooltip: {
      trigger: "axis",
      formatter: (found) => {
        const d = data[found[0].dataIndex];
        const band = typeof d.low === "number" ? ` (${write(d.low)} – ${write(d.high)})` : "";
        return `${d.name}\n${element.dataset.name ?? ""} ${write(d.value)}${band}${hasBefore ? `\n${before} ${write(d.before)}` : ""}`;
      },
    },
    series: [
      ...(hasBand ? [
        { ...clear, data: data.map((d) => d.low) },
        { ...clear, areaStyle: { color: token("--v-band") }, data: data.map((d) => (d.low === null ? null : d.high - d.low)) },
      ] : []),
      ...(hasBefore ? [{
        type: "line", symbol: "none", lineStyle: { width: 1.5, type: [4, 4], color: token("--v-prev") }, itemStyle: { color: token("--v-prev") },
        data: data.map((d) => d.before), endLabel: { show: true, formatter: before, offset: [0, down], color: token("--c-ink-3") },
      }] : []),
      {
        type: "line", itemStyle: { color: token("--v-1") }, data: data.map((d) => d.value), showAllSymbol: data.length <= 40, showSymbol: data.length <= 40,
        endLabel: { show: true, formatter: ({ value }) => write(value), offset: [0, up], color: token("--c-ink"), fontWeight: "bold", fontSize: 13 },
        ...(target ? { markLine: { symbol: "none", silent: true, data: [{ yAxis: Number(target) }], lineStyle: { color: token("--v-expect"), width: 1.5, type: "solid" }, label: { show: false } } } : {}),
      },
    ],
  };
}

// Rates of groups: dot and interval beside the mean of all, sorted. Grey is what cannot be told from the mean.
function dots(element) {
  const mean = element.dataset.mean === undefined || element.dataset.mean === "" ? null : Number(element.dataset.mean);
  const write = writer(element.dataset);
  const data = rows(tableOf(element)).filter((d) => typeof d.value === "number").sort((a, b) => a.value - b.value);
  // data-lower-is-better: a rate such as cancellations, where above the mean is the bad side
  // data-no-better: neither side is the bad one
  const sides = element.dataset.lowerIsBetter === undefined ? ["--v-1", "--c-bad-mark"] : ["--c-bad-mark", "--v-1"];
  const [above, below] = element.dataset.noBetter === undefined ? sides : ["--v-1", "--v-1"];
  const hue = (d) => token(mean === null || d.low === undefined || d.low === null ? "--v-rest" : d.low > mean ? above : d.high < mean ? below : "--v-rest");
  return {
    grid: { left: 8, right: 14, top: 22, bottom: 4, containLabel: true },
    yAxis: {
      type: "category", data: data.map((d) => d.name), axisLine: { show: false },
      axisLabel: { color: token("--c-ink-2"), interval: 0, hideOverlap: false, fontSize: 12, width: 110, overflow: "truncate" },
    },
    xAxis: { type: "value", scale: true, splitNumber: 5, axisLabel: axisLabel(element.dataset) },
    tooltip: {
      trigger: "item",
      formatter: ({ dataIndex: i }) => `${data[i].name}: ${write(data[i].value)}${typeof data[i].low === "number" ? ` (${write(data[i].low)} – ${write(data[i].high)})` : ""}`,
    },
    series: [{
      type: "custom",
      data: data.map((d, i) => [d.value, i, d.low ?? d.value, d.high ?? d.value]),
      encode: { x: [0, 2, 3], y: 1 },
      renderItem(params, api) {
        const d = data[params.dataIndex], fill = hue(d);
        const [x, y] = api.coord([d.value, params.dataIndex]);
        const [left] = api.coord([d.low ?? d.value, params.dataIndex]);
        const [right] = api.coord([d.high ?? d.value, params.dataIndex]);
        return { type: "group", children: [
          { type: "rect", shape: { x: left, y: y - 1.5, width: right - left, height: 3, r: 1.5 }, style: { fill, opacity: .45 } },
          { type: "circle", shape: { cx: x, cy: y, r: 4 }, style: { fill, stroke: token("--c-surface"), lineWidth: 1 } },
        ] };
      },
      ...(mean === null ? {} : { markLine: {
        symbol: "none", silent: true, data: [{ xAxis: mean }],
        lineStyle: { color: token("--v-expect"), width: 1.5, type: "solid" },
        label: { formatter: `${element.dataset.meanName ?? ""} ${write(mean)}`, color: token("--c-ink"), position: "end", distance: 4 },
      } }),
    }],
  };
}

const KINDS = { bars, line, dots };
const drawn = new Map();

export function draw(root = document) {
  for (const [element, chart] of drawn) if (!element.isConnected) { chart.end(); drawn.delete(element); }
  const inside = [...root.querySelectorAll("[data-chart]")];
  if (root.matches?.("[data-chart]")) inside.push(root);
  for (const element of inside) {
    const build = KINDS[element.dataset.chart];
    if (!build || drawn.has(element) || !tableOf(element) || !window.echarts) continue;
    drawn.set(element, mount(element, build));
  }
}

// A table may be swapped without its chart: then the chart is drawn anew from the new figures.
function redraw(root) {
  draw(root);
  for (const [element, chart] of drawn) {
    const table = tableOf(element);
    if (table && root.contains?.(table) && !root.contains(element)) chart.draw();
  }
}

draw();
document.addEventListener("htmx:load", (event) => redraw(event.target));
