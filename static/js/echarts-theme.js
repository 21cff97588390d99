// One look for every chart, read from the tokens at the moment of drawing, so light and dark need no second palette.
// mount(element, build) draws, follows its box, and redraws when the theme changes. Needs vendor/echarts/echarts.min.js before it.
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function palette() {
  return [1, 2, 3, 4, 5, 6].map((n) => token(`--v-${n}`)).concat(token("--v-rest"));
}

export function theme() {
  const ink = token("--c-ink"), ink2 = token("--c-ink-2"), ink3 = token("--c-ink-3");
  const axis = {
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: ink3, fontSize: 12, hideOverlap: true },
    splitLine: { lineStyle: { color: token("--v-grid"), width: 1 } },
    nameTextStyle: { color: ink3, fontSize: 12 },
  };
  return {
    color: palette(),
    backgroundColor: "transparent",
    textStyle: { fontFamily: token("--f-sans"), color: ink2, fontSize: 12 },
    categoryAxis: { ...axis, splitLine: { show: false }, axisLine: { show: true, lineStyle: { color: token("--c-line-2") } } },
    valueAxis: axis,
    timeAxis: axis,
    line: { symbol: "circle", symbolSize: 5, lineStyle: { width: 2 } },
    bar: { barMaxWidth: 28, itemStyle: { borderRadius: [2, 2, 0, 0] } },
    tooltip: {
      renderMode: "richText",
      backgroundColor: token("--c-surface"),
      borderColor: token("--c-line-2"),
      textStyle: { color: ink, fontSize: 12 },
      axisPointer: { lineStyle: { color: token("--c-control") }, shadowStyle: { color: token("--v-band") } },
    },
    legend: { show: false },
  };
}

export function mount(element, build) {
  const locale = document.documentElement.lang.startsWith("zh") ? "ZH" : "EN";
  let chart;
  const draw = () => {
    chart?.dispose();
    chart = window.echarts.init(element, theme(), { locale });
    chart.setOption({ animation: false, aria: { enabled: true }, ...build(element) });
  };
  const box = new ResizeObserver(() => { if (element.isConnected) chart.resize(); });
  const end = () => {
    document.removeEventListener("theme:change", draw);
    box.disconnect();
    chart.dispose();
  };
  draw();
  document.addEventListener("theme:change", draw);
  box.observe(element);
  return { chart: () => chart, draw, end };
}

// The expectation notch: a short line across a bar's place. One mark, one meaning, on every chart and in every bar.
export function notch(data, options = {}) {
  return {
    type: "custom",
    silent: true,
    z: 5,
    data,
    renderItem(params, api) {
      const [x, y] = api.coord([api.value(0), api.value(1)]);
      const half = Math.min(api.size([1, 0])[0] * .38, 18);
      return { type: "rect", shape: { x: x - half, y: y - 1, width: half * 2, height: 2 }, style: { fill: token("--v-expect") } };
    },
    ...options,
  };
}

// Figures come from the table that stands beside the chart, so both always say the same.
// A column is named by data-col on its head; a cell gives its number by data-v (an empty data-v is "not known").
export function rows(table) {
  const heads = [...table.tHead.rows].pop().cells;
  const names = [...heads].map((head, i) => head.dataset.col ?? (i === 0 ? "name" : ""));
  return [...table.tBodies[0].rows].filter((row) => !row.hasAttribute("data-no-chart")).map((row) => {
    const found = { row };
    [...row.cells].forEach((cell, i) => {
      const extra = cell.dataset.lo !== undefined ? { low: number(cell.dataset.lo), high: number(cell.dataset.hi) } : {};
      Object.assign(found, extra);
      if (names[i]) found[names[i]] = cell.dataset.v === undefined ? cell.textContent.trim() : number(cell.dataset.v);
    });
    return found;
  });
}

function number(text) {
  return text === "" ? null : Number(text);
}
