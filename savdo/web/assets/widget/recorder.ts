// A voice message: a button, a visible timer, a file at the end.

import type { Config } from "./messages";
import { icon, make } from "./nodes";

const LONGEST_MS = 5 * 60_000;
// Safari records mp4, the others webm.
const KINDS = [["audio/webm;codecs=opus", "webm"], ["audio/mp4", "m4a"], ["audio/ogg;codecs=opus", "ogg"]];

export const canRecord = "MediaRecorder" in window && !!navigator.mediaDevices;

/** `bar` takes the field's place while it records; `done` gets the finished file. */
export function recorder(config: () => Config, done: (file: File) => void, changed: (recording: boolean) => void, refused: (words: string) => void) {
  const { texts } = config();
  const time = make("span", { class: "time", role: "timer" }, "0:00");
  const stop = make("button", { type: "button", class: "tool send", "aria-label": texts.stop_recording, title: texts.stop_recording }, icon("sent"));
  const away = make("button", { type: "button", class: "tool", "aria-label": texts.remove, title: texts.remove }, icon("close"));
  const bar = make("div", { class: "field recording", hidden: "" }, away, make("i", { class: "pulse" }), make("span", { role: "status" }, texts.recording), time, stop);
  const button = make("button", { type: "button", class: "tool", "aria-label": texts.record, title: texts.record }, icon("microphone"));

  button.onclick = async () => {
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      return refused(texts.no_microphone);
    }
    const [mimeType, extension] = KINDS.find(([one]) => MediaRecorder.isTypeSupported(one)) ?? KINDS[0];
    const recording = new MediaRecorder(stream, { mimeType });
    const parts: Blob[] = [];
    const began = Date.now();
    let wanted = true;
    const clock = window.setInterval(() => {
      const seconds = Math.floor((Date.now() - began) / 1000);
      time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (Date.now() - began > LONGEST_MS) recording.stop();
    }, 250);
    recording.ondataavailable = (event) => parts.push(event.data);
    recording.onstop = () => {
      window.clearInterval(clock);
      stream.getTracks().forEach((track) => track.stop());
      time.textContent = "0:00";
      show(false);
      if (wanted) done(new File(parts, `${texts.voice_name}.${extension}`, { type: mimeType }));
    };
    stop.onclick = () => recording.stop();
    away.onclick = () => ((wanted = false), recording.stop());
    recording.start();
    show(true);
    stop.focus();
  };

  function show(recording: boolean): void {
    bar.hidden = !recording;
    changed(recording);
  }

  return { bar, button };
}
