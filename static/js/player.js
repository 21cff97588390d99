// The player of recordings: a waveform drawn from stored peaks, which is there before the sound is; speed, skipped silence, keys, spans.
// Choosing a turn, a remark or a place in the waveform moves all of them to the same second.
const QUIET = 0.03;         // of the loudest moment
const QUIET_SECONDS = 1;    // shorter pauses belong to the talk
const KEPT_PAUSE = 0.25;    // what is heard of a pause that is skipped
const BAR = 3;              // pixels from bar to bar

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds)), two = (n) => String(n).padStart(2, "0");
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}` : `${two(Math.floor(whole / 60))}:${two(whole % 60)}`;
};
const singleKeysOn = () => { try { return localStorage.getItem("single-keys") !== "off"; } catch { return true; } };
const writing = (element) => element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=range])");

function player(panel) {
  const audio = panel.querySelector("[data-audio]"), box = panel.querySelector("[data-wave]"), canvas = panel.querySelector("canvas");
  const one = (name) => panel.querySelector(`[data-${name}]`);
  const noteForm = document.querySelector("[data-note-form]"), clipForm = document.querySelector("[data-clip-form]");
  const span = { from: null, until: null };
  let channels = [], silences = [], noteAt = null;

  const length = () => (Number.isFinite(audio.duration) && audio.duration) || Number(panel.dataset.milliseconds) / 1000;
  const now = () => audio.currentTime;
  const fill = (text, first, second) => text.replace("[at]", first).replace("[length]", second);

  function seek(seconds) {
    audio.currentTime = Math.min(Math.max(0, seconds), Math.max(0, length() - 0.01));
    show();
  }
  function toggle() {
    if (audio.paused) audio.play().catch(failed); else audio.pause();
  }
  function failed() {
    const notice = one("failed");
    notice.textContent = panel.dataset.saysFailed;
    notice.hidden = false;
  }

  // -- the waveform

  function draw() {
    const width = box.clientWidth, height = canvas.clientHeight, scale = window.devicePixelRatio || 1;
    if (!width || !height) return;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    marks(pen, width, height);
    const row = height / Math.max(1, channels.length), bars = Math.floor(width / BAR), played = now() / length() * width;
    const colours = [[token("--v-1"), token("--v-seq-3")], [token("--v-2"), token("--v-2")]];
    channels.forEach((parts, n) => {
      const most = Math.max(12, ...parts), middle = row * (n + 0.5);
      for (let bar = 0; bar < bars; bar += 1) {
        const first = Math.floor(bar / bars * parts.length), last = Math.max(first + 1, Math.floor((bar + 1) / bars * parts.length));
        let peak = 0;
        for (let part = first; part < last; part += 1) peak = Math.max(peak, parts[part]);
        const tall = Math.max(1, peak / most * (row - 8));
        pen.fillStyle = colours[n][bar * BAR <= played ? 0 : 1];
        pen.globalAlpha = n && bar * BAR > played ? 0.55 : 1;
        pen.fillRect(bar * BAR, middle - tall / 2, BAR - 1, tall);
      }
    });
    pen.globalAlpha = 1;
    pen.fillStyle = token("--c-ink");
    pen.fillRect(Math.min(width - 2, played), 0, 2, height);
  }
  function marks(pen, width, height) {
    const at = (seconds) => seconds / length() * width;
    pen.globalAlpha = 0.28;
    pen.fillStyle = token("--c-warn-mark");
    document.querySelectorAll("[data-notes] li").forEach(({ dataset }) => {
      const from = at(dataset.from / 1000), until = dataset.until ? at(dataset.until / 1000) : from + 3;
      pen.fillRect(from, 0, Math.max(3, until - from), height);
    });
    pen.fillStyle = token("--c-good-mark");
    if (span.from !== null) pen.fillRect(at(span.from), 0, Math.max(2, at(span.until ?? span.from) - at(span.from)), height);
    pen.globalAlpha = 1;
  }
  function findSilences() {
    if (!channels.length) return;
    const parts = channels[0].length, each = length() / parts;
    const bounds = channels.map((row) => Math.max(2, Math.max(...row) * QUIET));
    let begin = null;
    silences = [];
    for (let part = 0; part <= parts; part += 1) {
      const quiet = part < parts && channels.every((row, n) => row[part] <= bounds[n]);
      if (quiet && begin === null) begin = part;
      if (!quiet && begin !== null) {
        if ((part - begin) * each >= QUIET_SECONDS) silences.push([begin * each + KEPT_PAUSE, part * each - KEPT_PAUSE]);
        begin = null;
      }
    }
  }
  function skip() {
    if (!one("skip").checked || audio.paused) return;
    const found = silences.find(([from, until]) => now() >= from && now() < until - 0.1);
    if (found) audio.currentTime = found[1];
  }

  // -- what follows the place

  function show() {
    one("now").textContent = clock(now());
    one("length").textContent = `/ ${clock(Math.round(length()))}`;
    box.setAttribute("aria-valuenow", String(Math.floor(now())));
    box.setAttribute("aria-valuetext", fill(panel.dataset.saysAt, clock(now()), clock(length())));
    document.querySelectorAll("[data-turns] li").forEach((turn) => {
      turn.classList.toggle("is-on", now() >= Number(turn.dataset.start) && now() < Number(turn.dataset.end));
    });
    place();
    draw();
  }
  function place() {
    const at = noteAt ?? now(), whole = span.from !== null && span.until !== null;
    const from = Math.round((span.from ?? at) * 1000), until = whole ? Math.round(span.until * 1000) : "";
    panel.dataset.from = from;  // for forms beside the player
    panel.dataset.until = until;
    for (const form of [noteForm, clipForm].filter(Boolean)) {
      form.elements.from_ms.value = from;
      form.elements.until_ms.value = until;
    }
    const said = document.querySelector("[data-note-at]");
    if (said) said.textContent = clock(from / 1000);
    document.querySelectorAll("[data-span-text]").forEach((element) => {
      const text = span.from === null ? "" : fill(panel.dataset.saysSpan, clock(span.from), whole ? clock(span.until) : "…");
      if (element.textContent !== text) element.textContent = text;
    });
  }
  function setSpan(end) {
    if (end === "from") { span.from = now(); if (span.until !== null && span.until <= span.from) span.until = null; }
    if (end === "until") { span.until = now(); if (span.from === null || span.from >= span.until) span.from = Math.max(0, span.until - 10); }
    if (span.until !== null && span.until <= span.from) span.until = null;
    show();
  }
  function setSpeed(button) {
    audio.playbackRate = Number(button.dataset.speed);
    panel.querySelectorAll("[data-speed]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  }
  function frame() {
    skip();
    show();
    if (!audio.paused) requestAnimationFrame(frame);
  }
  function state() {
    one("when-paused").hidden = !audio.paused;
    one("when-playing").hidden = audio.paused;
    if (!audio.paused) requestAnimationFrame(frame);
  }

  panel.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-play]")) toggle();
    if (button.dataset.jump) seek(now() + Number(button.dataset.jump));
    if (button.dataset.speed) setSpeed(button);
    if (button.dataset.span) setSpan(button.dataset.span);
  });
  box.addEventListener("pointerdown", (event) => {
    const to = ({ clientX }) => { const { left, width } = box.getBoundingClientRect(); seek((clientX - left) / width * length()); };
    to(event);
    box.setPointerCapture(event.pointerId);
    box.onpointermove = to;
    box.onpointerup = box.onpointercancel = () => { box.onpointermove = null; };
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-seek], [data-seek-seconds]");
    if (!link) return;
    event.preventDefault();
    seek(link.dataset.seek ? link.dataset.seek / 1000 : Number(link.dataset.seekSeconds));
  });
  // Space plays wherever the focus is among the player's own buttons; digits jump, unless they give points to an item (see score.js).
  for (const kind of ["keydown", "keyup"]) {
    document.addEventListener(kind, (event) => {
      if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || !singleKeysOn()) return;
      if (document.querySelector("dialog[open]") || writing(event.target)) return;
      const ours = panel.contains(event.target) && !event.target.matches("input, [data-play]");
      if (event.key === " " && ours) {
        event.preventDefault();
        if (kind === "keydown" && !event.repeat) toggle();
      }
      const isForPoints = document.querySelector("[data-points].is-now");
      if (/^[0-9]$/.test(event.key) && kind === "keydown" && !isForPoints) { event.preventDefault(); seek(length() * Number(event.key) / 10); }
    }, true);
  }
  for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, state);
  panel.addEventListener("player:forget-span", () => { span.from = span.until = null; show(); });
  for (const name of ["seeked", "loadedmetadata"]) audio.addEventListener(name, show);
  audio.addEventListener("error", failed);
  noteForm?.elements.text.addEventListener("focus", () => { noteAt = now(); place(); });
  noteForm?.elements.text.addEventListener("blur", () => { if (!noteForm.elements.text.value) noteAt = null; });
  // the next Space plays, it does not add another
  noteForm?.addEventListener("submit", () => box.focus({ preventScroll: true }));
  noteForm?.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful || event.detail.elt !== noteForm) return;
    noteForm.elements.text.value = "";
    noteAt = null;
    show();
  });
  document.addEventListener("htmx:afterSwap", draw);
  document.addEventListener("theme:change", draw);
  new ResizeObserver(draw).observe(box);

  async function fetchPeaks(tries = 20) {
    const answer = await fetch(panel.dataset.peaks, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) return;
    ({ channels } = await answer.json());
    if (!channels[0]?.length) {
      channels = [];
      if (tries) setTimeout(fetchPeaks, 1500, tries - 1);
    } else one("undrawn")?.remove();
    findSilences();
    draw();
  }

  audio.src = panel.dataset.sound;
  const wanted = /^#t=(\d{1,8})$/.exec(location.hash);
  if (wanted) seek(wanted[1] / 1000); else show();
  fetchPeaks();
}

document.querySelectorAll("[data-player]").forEach(player);
