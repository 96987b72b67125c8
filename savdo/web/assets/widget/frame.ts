// The window inside the iframe: draws what the client knows, and talks to the site's page through checked messages only.

import { composer, prechat } from "./composer";
import { connect, type Client } from "./client";
import type { Config, Message, Stored, ToFrame, ToPage } from "./messages";
import { icon, make, marked } from "./nodes";
import { threadView } from "./thread";

const key = document.body.dataset.key!;
const registered = (document.body.dataset.origins || "").split(" ").filter(Boolean);
const parentOrigin = decodeURIComponent(location.hash.slice(1));
const trusted = /^https?:\/\//.test(parentOrigin) && (!registered.length || registered.includes(parentOrigin) || parentOrigin === location.origin);
const darkness = matchMedia("(prefers-color-scheme: dark)");

let config: Config;
let client: Client;
let open = false;
let redraw: () => void = () => undefined;
let focusInput: () => void = () => undefined;
let answered: ((stored: Stored) => void)[] = [];
let prechatDone = false;

if (trusted && parent !== window) {
  window.addEventListener("message", (event) => {
    if (event.source === parent && event.origin === parentOrigin && event.data?.v === 1) hear(event.data as ToFrame);
  });
  say({ v: 1, type: "ready" });
}

function say(message: ToPage): void {
  parent.postMessage(message, parentOrigin);
}

function hear(message: ToFrame): void {
  if (message.type === "init") begin(message);
  else if (message.type === "stored") answered.splice(0).forEach((done) => done(message.stored));
  else if (!client) return;
  else if (message.type === "config") dress(message.config);
  else if (message.type === "send") client.send(message.text);
  else if (message.type === "identify") {
    client.identify(message.person).then(
      () => say({ v: 1, type: "event", name: "identified", detail: null }),
      (error: Error) => say({ v: 1, type: "event", name: "error", detail: error.message }),
    );
  } else if (message.type === "reset") {
    prechatDone = false;
    client.reset();
    dress(config);
  } else show(message.type === "open");
}

function begin(init: Extract<ToFrame, { type: "init" }>): void {
  const store = (name: string, value: string | null) => say({ v: 1, type: "store", name, value });
  prechatDone = !!init.stored.prechat;
  client = connect(key, init.config, init.stored, init, {
    store,
    read: () =>
      new Promise<Stored>((done) => {
        answered.push(done);
        say({ v: 1, type: "read" });
      }),
    changed: () => redraw(),
    arrived: (message: Message) => say({ v: 1, type: "event", name: "message", detail: { id: message.id, author: message.author.kind, text: message.text } }),
  });
  document.addEventListener("visibilitychange", () => redraw());
  darkness.addEventListener("change", () => paint());
  document.addEventListener("keydown", keys);
  dress(init.config);
  show(init.open);
}

function show(wanted: boolean): void {
  open = wanted;
  redraw();
  if (open) window.setTimeout(focusInput, 30);
}

function keys(event: KeyboardEvent): void {
  if (event.key === "Escape") return say({ v: 1, type: "close" });
  if (event.key !== "Tab") return;
  const stops = [...document.querySelectorAll<HTMLElement>("button:not(:disabled),a[href],input:not([tabindex='-1']),textarea,[tabindex='0']")].filter((one) => one.offsetParent);
  const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
  if (document.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? stops[stops.length - 1] : stops[0])?.focus();
}

function paint(): void {
  const root = document.documentElement;
  const dark = config.theme === "dark" || (config.theme === "auto" && darkness.matches);
  root.dataset.theme = dark ? "dark" : "light";
  root.style.setProperty("--accent", config.colours.accent);
  root.style.setProperty("--on-accent", config.colours.on_accent);
  root.style.setProperty("--ink", dark ? config.colours.ink_dark : config.colours.ink_light);
}

function dress(fresh: Config): void {
  config = fresh;
  const { texts } = config;
  document.documentElement.lang = config.locale;
  paint();
  const close = make("button", { type: "button", class: "tool", "aria-label": texts.close, title: texts.close }, icon("close"));
  close.onclick = () => say({ v: 1, type: "close" });
  const line = make("p", { class: "line" });
  const header = make("header", {}, make("span", { class: "face", "aria-hidden": "true" }, initial(config.name)), make("div", {}, make("h1", { id: "title", dir: "auto" }, config.name), line), close);
  const log = make("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": texts.log });
  const older = make("button", { type: "button", class: "older", hidden: "" }, texts.older);
  const typing = make("div", { class: "typing", role: "status" });
  const starters = make("div", { class: "choices starters" });
  const welcome = make("div", { class: "row bot first ends welcome" }, make("span", { class: "who" }, `${config.bot_name} · AI`), make("div", { class: "bubble" }, marked(config.welcome)));
  const note = make("p", { class: "note" }, icon("bot"), make("span", {}, texts.bot_note));
  const scroll = make("div", { class: "scroll", tabindex: "0", "aria-label": texts.log, role: "region" }, older, note, welcome, log, typing, starters);
  const below = make("button", { type: "button", class: "below", hidden: "" }, icon("down"), texts.new_below);
  const banner = make("p", { class: "banner", role: "status" });
  const writing = composer(() => client, () => config);
  const root = document.getElementById("chat")!;
  root.setAttribute("role", "dialog");
  root.setAttribute("aria-modal", "true");
  root.setAttribute("aria-labelledby", "title");
  root.replaceChildren(header, scroll, below, banner, writing.form);

  const draw = threadView(log, () => client, () => config);
  let form: HTMLElement | null = null;
  focusInput = () => (form?.querySelector("input") ?? writing.input).focus();
  for (const text of config.starters) {
    const button = make("button", { type: "button", class: "choice", dir: "auto" }, text);
    button.onclick = () => (client.send(text), writing.input.focus());
    starters.append(button);
  }
  below.onclick = () => scroll.scrollTo({ top: scroll.scrollHeight });
  older.onclick = async () => {
    const height = scroll.scrollHeight - scroll.scrollTop;
    await client.older();
    scroll.scrollTop = scroll.scrollHeight - height;
  };
  scroll.onscroll = () => {
    stuck = atEnd();
    if (stuck) below.hidden = true;
  };
  // The window, the keyboard of a phone and the tray of files change its height; whoever read the end still does.
  new ResizeObserver(() => stuck && (scroll.scrollTop = scroll.scrollHeight)).observe(scroll);
  scroll.ondragover = (event) => event.preventDefault();
  scroll.ondrop = (event) => (event.preventDefault(), writing.add(event.dataTransfer?.files));

  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  let drawn = 0;
  let stuck = true;

  redraw = () => {
    const { state } = client;
    draw();
    const empty = !state.messages.size && !state.pending.length;
    const asked = empty && !prechatDone && (config.prechat.fields.length > 0 || !!config.prechat.consent);
    if (asked && !form) {
      form = prechat(() => client, () => config, () => {
        prechatDone = true;
        say({ v: 1, type: "store", name: "prechat", value: "1" });
        redraw();
        writing.input.focus();
      });
      scroll.append(form);
    } else if (!asked && form) form = (form.remove(), null);
    writing.form.hidden = asked;
    starters.hidden = asked || !empty;
    older.hidden = !state.older;
    note.hidden = welcome.hidden = state.older;
    drawTyping();
    line.textContent = state.status === "human" ? texts.person_here : hoursLine();
    banner.textContent = state.online ? state.notice : texts.offline;
    const count = state.messages.size + state.pending.length;
    // A visitor who reads further up is not torn away; one who has just written wants to see it.
    if (stuck || state.pending.length || !drawn) scroll.scrollTop = scroll.scrollHeight;
    else if (count > drawn) below.hidden = false;
    drawn = count;
    countUnread();
  };

  function drawTyping(): void {
    const kind = client.state.typing;
    if (typing.dataset.kind === kind) return;
    typing.dataset.kind = kind;
    typing.replaceChildren();
    if (!kind) return;
    const name = kind === "bot" ? config.bot_name : config.name;
    typing.append(make("span", { class: "dots", "aria-hidden": "true" }, make("i"), make("i"), make("i")), make("span", { class: "for-readers" }, `${name} ${texts.typing}`));
  }

  redraw();
}

function hoursLine(): string {
  const { hours, texts, locale } = config;
  if (!hours) return texts.online;
  if (hours.open || !hours.from) return hours.open ? texts.hours_open : texts.online;
  const from = new Date(hours.from);
  const today = from.toDateString() === new Date().toDateString();
  const time = from.toLocaleString(locale, { weekday: today ? undefined : "short", hour: "numeric", minute: "2-digit" });
  return texts.hours_closed.replace("{time}", time);
}

function countUnread(): void {
  const said = [...client.state.messages.values()].filter((one) => one.direction === "out" && !one.deleted);
  const last = Math.max(0, ...said.map((one) => one.id));
  if (open && document.visibilityState === "visible" && last) void client.read(last);
  const count = said.filter((one) => one.id > client.state.readUpTo).length;
  if (count !== told) say({ v: 1, type: "unread", count: (told = count) });
}

let told = 0;

function initial(name: string): string {
  return [...name.trim()][0]?.toUpperCase() ?? "·";
}
