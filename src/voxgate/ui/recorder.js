// One recorder. Gradio gives: element, trigger, props, server, upload, watch.
const find = (name) => element.querySelector(`.vg-rec${name}`);
const mic = find("-mic"), micText = find("-mic-text"), live = find("-live"), done = find("-done");
const note = find("-note"), drop = find("-drop"), sentence = find("-sentence"), advice = find("-advice");
const ring = element.querySelector(".vg-ring"), ringValue = element.querySelector(".vg-ring-value");
const meter = element.querySelector(".vg-meter"), bar = element.querySelector(".vg-meter-bar");
const player = done.querySelector("audio"), words = props.words;
let take = null; // the recording that is being made
let busy = false;

const say = (text) => { note.textContent = text || ""; };

// ---- files ----------------------------------------------------------------------------------
async function send(files) {
  const fits = [];
  for (const file of files) {
    if (file.size > props.max_megabytes * 1e6) {
      say(words.too_big.replace("{name}", file.name).replace("{megabytes}", props.max_megabytes));
      return;
    }
    fits.push(file);
  }
  if (!fits.length || busy) return;
  busy = true;
  say(words.uploading);
  try {
    const sent = [];
    for (const file of fits) {
      const { path, url } = await upload(file);
      const name = file.webkitRelativePath || file.name;
      sent.push({ path, url, orig_name: name, meta: { _type: "gradio.FileData" } });
    }
    say("");
    if (!props.many) show(fits[0]);
    props.value = props.many ? sent : sent[0];
    trigger("upload");
  } catch (error) {
    console.error(error);
    say(words.not_sent);
  }
  busy = false;
}

function show(file) {
  find("-name").textContent = file.name;
  if (player.src) URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(file);
  done.hidden = false;
}

function clear() {
  done.hidden = true;
  player.removeAttribute("src");
  say("");
}

player.addEventListener("error", () => { if (player.getAttribute("src")) say(words.cannot_play); });
find("-remove").addEventListener("click", () => {
  clear();
  props.value = null;
  trigger("clear");
  mic.focus();
});
watch("value", () => { if (!props.value && !props.many) clear(); });
for (const input of element.querySelectorAll("input[type=file]")) {
  input.addEventListener("change", () => { send([...input.files]); input.value = ""; });
}
for (const [kind, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("vg-over", over);
    if (kind === "drop") send([...event.dataTransfer.files].slice(0, props.many ? undefined : 1));
  });
}

// ---- microphone -----------------------------------------------------------------------------
const WORKLET = `registerProcessor("vg-tap", class extends AudioWorkletProcessor {
  process([input]) { if (input[0]) this.port.postMessage(input[0].slice()); return true; } });`;

async function start() {
  if (!navigator.mediaDevices || !window.AudioWorkletNode) return say(words.no_secure_page);
  say("");
  try {
    const untouched = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: untouched });
    const context = new AudioContext();
    const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
    await context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    const tap = new AudioWorkletNode(context, "vg-tap", { channelCount: 1, channelCountMode: "explicit" });
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const id = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    take = { id, stream, context, pieces: [], unsent: [], sending: false, level: -60, loud: 0 };
    tap.port.onmessage = ({ data }) => take && hear(data);
    context.createMediaStreamSource(stream).connect(tap);
  } catch (error) {
    console.error(error);
    return say(words.no_microphone);
  }
  clear();
  live.hidden = false;
  mic.classList.add("vg-recording");
  micText.textContent = words.stop;
  mic.setAttribute("aria-label", `${words.stop}: ${props.title}`);
  progress({ speech_s: 0, share: 0, sentence: "" });
  take.timer = setInterval(report, 400);
}

function hear(samples) {
  take.pieces.push(samples);
  take.unsent.push(samples);
  let power = 0, peak = 0;
  for (const value of samples) { power += value * value; peak = Math.max(peak, Math.abs(value)); }
  const level = 10 * Math.log10(Math.max(power / samples.length, 1e-6));
  const fall = (20 * samples.length) / take.context.sampleRate; // dB: about 20 a second
  take.level = Math.max(level, take.level - fall);
  take.loud = peak >= 0.99 ? take.context.currentTime : take.loud;
}

async function report() {
  const now = take;
  if (!now) return;
  const tooLoud = now.loud && now.context.currentTime - now.loud < 1;
  const state = tooLoud ? "loud" : now.level < -45 ? "quiet" : "good";
  bar.style.width = `${Math.round(100 * (1 + now.level / 60))}%`;
  meter.dataset.state = state;
  meter.setAttribute("aria-valuenow", Math.round(now.level));
  if (!now.enough) {
    advice.textContent = { loud: words.too_loud, quiet: words.too_quiet, good: words.level_good }[state];
  }
  if (now.sending || !now.unsent.length) return;
  now.sending = true;
  const message = { take: now.id, rate: now.context.sampleRate, wanted_s: props.wanted_s };
  message.pcm = base64(pcm(now.unsent.splice(0)));
  try {
    const told = await server.hear(message);
    if (told.error) say(told.error);
    else if (told.stop) stop();
    else if (now === take) { progress(told); trigger("heard", { take: now.id }); }
  } catch (error) {
    console.error(error);
    say(words.not_sent);
  }
  now.sending = false;
  if (now.over) forget(now);
}

// The server need not remember what is uploaded as a whole.
function forget({ id }) {
  server.hear({ take: id, over: true }).catch(console.error);
}

function progress({ speech_s, share, sentence: next, enough }) {
  ring.style.setProperty("--share", share);
  ring.setAttribute("aria-valuenow", speech_s.toFixed(1));
  ringValue.textContent = `${speech_s.toFixed(1)} s`;
  if (next && sentence.textContent !== next) sentence.textContent = next;
  ring.classList.toggle("vg-full", Boolean(enough));
  if (take) take.enough = enough;
  if (enough) advice.textContent = words.enough;
}

async function stop() {
  const finished = take;
  if (!finished) return;
  take = null;
  clearInterval(finished.timer);
  finished.stream.getTracks().forEach((track) => track.stop());
  const rate = finished.context.sampleRate;
  await finished.context.close();
  finished.over = true;
  if (!finished.sending) forget(finished);
  live.hidden = true;
  mic.classList.remove("vg-recording");
  micText.textContent = words.record;
  mic.setAttribute("aria-label", `${words.record}: ${props.title}`);
  const time = new Date().toTimeString().slice(0, 8).replaceAll(":", "");
  const file = new File([wav(pcm(finished.pieces), rate)], `${words.recorded}-${time}.wav`, { type: "audio/wav" });
  await send([file]);
}

mic.addEventListener("click", () => (take ? stop() : start()));

// ---- samples --------------------------------------------------------------------------------
function pcm(pieces) {
  const out = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    for (const value of piece) out[at++] = Math.max(-1, Math.min(1, value)) * 32767;
  }
  return out;
}

function base64(samples) {
  const bytes = new Uint8Array(samples.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) {
    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  }
  return btoa(text);
}

function wav(samples, rate) {
  const header = new DataView(new ArrayBuffer(44));
  const text = (at, letters) => [...letters].forEach((c, i) => header.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF"); header.setUint32(4, 36 + samples.byteLength, true); text(8, "WAVEfmt ");
  header.setUint32(16, 16, true); header.setUint16(20, 1, true); header.setUint16(22, 1, true);
  header.setUint32(24, rate, true); header.setUint32(28, 2 * rate, true);
  header.setUint16(32, 2, true); header.setUint16(34, 16, true);
  text(36, "data"); header.setUint32(40, samples.byteLength, true);
  return new Blob([header, samples]);
}
