// Where the visitor writes: text, files, and the form some sites ask for first.

import { Refusal, type Client } from "./client";
import type { Attachment, Config } from "./messages";
import { icon, make } from "./nodes";
import { canRecord, recorder } from "./recorder";
import { size } from "./thread";

const LONGEST = 4000;
const SHOWN_FROM = 3600;
const MOST_FILES = 5;

export function composer(client: () => Client, config: () => Config) {
  const { texts } = config();
  const ready = new Map<HTMLElement, Attachment>();
  const tray = make("div", { class: "tray" });
  const input = make("textarea", { rows: "1", placeholder: texts.placeholder, "aria-label": texts.placeholder, dir: "auto", enterkeyhint: "send" });
  const picker = make("input", { type: "file", multiple: "", hidden: "", tabindex: "-1", "aria-label": texts.attach });
  const attach = make("button", { type: "button", class: "tool", "aria-label": texts.attach, title: texts.attach }, icon("attach"));
  const submit = make("button", { type: "submit", class: "tool send", "aria-label": texts.send, title: texts.send }, icon("send"));
  const count = make("span", { class: "count", role: "status" });
  const voice = recorder(config, (file) => void carry(file), recording, (words) => (count.textContent = words));
  const field = make("div", { class: "field" }, attach, input, voice.button, submit);
  const form = make("form", { class: "composer" }, tray, field, voice.bar, count, picker);

  attach.onclick = () => picker.click();
  picker.onchange = () => (add(picker.files), (picker.value = ""));
  input.oninput = () => (refresh(), input.value && client().typed());
  input.onpaste = (event) => event.clipboardData?.files.length && (event.preventDefault(), add(event.clipboardData.files));
  input.onkeydown = (event) => {
    // While a word is being composed, Enter chooses it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (submit.disabled) return;
    client().send(text, [...ready.values()]);
    input.value = "";
    ready.clear();
    tray.replaceChildren();
    refresh();
    input.focus();
  };

  function recording(on: boolean): void {
    field.hidden = on;
    refresh();
    if (!on) input.focus();
  }

  function add(files: FileList | null | undefined): void {
    for (const file of [...(files ?? [])].slice(0, MOST_FILES - tray.children.length)) void carry(file);
  }

  async function carry(file: File): Promise<void> {
    const state = make("small", { role: "status" }, texts.uploading);
    const bar = make("progress", { max: "1", value: "0", "aria-label": `${texts.uploading}: ${file.name}` });
    const away = make("button", { type: "button", "aria-label": `${texts.remove}: ${file.name}` }, icon("close"));
    const card = make("div", { class: "carried" }, icon("file"), make("span", {}, make("b", { dir: "auto" }, file.name), state, bar), away);
    away.onclick = () => (ready.delete(card), card.remove(), refresh(), input.focus());
    tray.append(card);
    refresh();
    try {
      if (file.size > config().features.upload_mb * 1_000_000) throw new Refusal(413, "", "", {}, 0);
      const kept = await client().upload(file, (share) => (bar.value = share));
      if (card.isConnected) ready.set(card, kept);
      state.textContent = size(kept.size);
    } catch (error) {
      card.classList.add("refused");
      state.textContent = refusalWords(error);
    }
    bar.remove();
    refresh();
  }

  function refusalWords(error: unknown): string {
    if (!(error instanceof Refusal)) return texts.upload_failed;
    if (error.status === 413) return texts.too_large.replace("{mb}", String(config().features.upload_mb));
    return error.status === 415 || error.status === 422 ? texts.bad_type : texts.upload_failed;
  }

  function refresh(): void {
    const over = input.value.length - LONGEST;
    const uploading = [...tray.children].some((card) => card.querySelector("progress"));
    submit.disabled = uploading || over > 0 || (!input.value.trim() && !ready.size);
    count.textContent = over > 0 ? texts.too_long.replace("{count}", String(over)) : over > SHOWN_FROM - LONGEST ? String(-over) : "";
    voice.button.hidden = !canRecord || !!input.value.trim();
    count.classList.toggle("over", over > 0);
    input.style.height = "";
    // Before it stands in the page it has no height to go by.
    if (input.scrollHeight) input.style.height = `${Math.min(input.scrollHeight, 120)}px`;
  }

  refresh();
  return { form, input, add };
}

export function prechat(client: () => Client, config: () => Config, done: () => void): HTMLElement {
  const { texts, prechat } = config();
  const shownAt = Date.now();
  const trap = make("input", { name: "website", tabindex: "-1", autocomplete: "off", "aria-hidden": "true" });
  const form = make("form", { class: "prechat", novalidate: "" }, make("h2", {}, texts.prechat_title));
  const kinds = { name: ["text", "name"], email: ["email", "email"], phone: ["tel", "tel"] } as const;
  for (const field of prechat.fields) {
    const [type, autocomplete] = kinds[field.name] ?? ["text", "off"];
    const input = make("input", { type, name: field.name, id: field.name, autocomplete, "aria-describedby": `${field.name}-error`, dir: "auto" });
    if (field.required) input.required = true;
    const hint = field.required ? null : make("small", {}, ` ${texts.optional}`);
    form.append(make("label", { for: field.name }, texts[field.name], hint), input, make("p", { class: "error", id: `${field.name}-error`, role: "alert" }));
  }
  if (prechat.consent) {
    const box = make("input", { type: "checkbox", name: "consent", id: "consent", "aria-describedby": "consent-error" });
    form.append(make("label", { class: "consent", for: "consent" }, box, make("span", { dir: "auto" }, prechat.consent)));
    form.append(make("p", { class: "error", id: "consent-error", role: "alert" }));
  }
  form.append(make("div", { class: "trap", "aria-hidden": "true" }, trap), make("button", { class: "primary" }, texts.start));

  const complain = (name: string, words: string) => {
    const input = form.querySelector<HTMLInputElement>(`[name="${name}"]`);
    input?.setAttribute("aria-invalid", String(!!words));
    const line = form.querySelector(`#${name}-error`);
    if (line) line.textContent = words;
    return input;
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form)) as Record<string, string>;
    const missing = [...form.querySelectorAll<HTMLInputElement>("input[required]")].filter((input) => !input.value.trim());
    prechat.fields.forEach((field) => complain(field.name, ""));
    missing.forEach((input) => complain(input.name, texts.needed));
    if (missing[0]) return missing[0].focus();
    try {
      await client().prechat({ ...values, consent: values.consent === "on", version: prechat.version, shown_ms: Date.now() - shownAt });
      done();
    } catch (error) {
      const words: Record<string, string> = { email: texts.bad_email, phone: texts.bad_phone, consent: texts.needed, name: texts.needed };
      const wrong = error instanceof Refusal ? Object.keys(error.fields) : [];
      wrong.forEach((name, at) => complain(name, words[name] ?? "") && at === 0 && form.querySelector<HTMLInputElement>(`[name="${name}"]`)?.focus());
      if (!wrong.length) complain(prechat.fields[0]?.name ?? "consent", texts.offline);
    }
  };
  return form;
}
