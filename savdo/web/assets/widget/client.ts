// The visitor's side of the conversation: session, outbox, stream. It draws nothing; `changed` is called when something is new.

import type { Attachment, Config, Message, Page, Pending, Stored } from "./messages";

const LONGEST_WAIT_S = 30;
const SILENCE_MS = 40_000;
const GIVEN_UP_MS = 24 * 3600 * 1000;

export interface State {
  messages: Map<number, Message>;
  pending: Pending[];
  typing: "bot" | "human" | "";
  status: string;
  readUpTo: number;
  online: boolean;
  notice: string;
  loaded: boolean;
  older: boolean;
}

export interface Bridge {
  store(name: string, value: string | null): void;
  read(): Promise<Stored>;
  changed(): void;
  arrived(message: Message): void;
}

export class Refusal extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly fields: Record<string, string>, readonly wait: number) {
    super(message);
  }
}

export type Client = ReturnType<typeof connect>;

export function connect(key: string, config: Config, stored: Stored, arrival: { page: Page; utm: Record<string, string> }, bridge: Bridge) {
  const state: State = {
    messages: new Map(), pending: [], typing: "", status: "bot", readUpTo: 0, online: true, notice: "", loaded: false, older: false,
  };
  const tabs = "BroadcastChannel" in window ? new BroadcastChannel(`savdo:${key}`) : null;
  const awake = new EventTarget();
  let token = stored.token || "";
  let revision = 0;
  let flushing = false;
  let typedAt = 0;
  let typingEnds = 0;
  let generation = 0;
  let abort = new AbortController();

  Object.keys(stored).forEach((name) => name.startsWith("out.") && state.pending.push(JSON.parse(stored[name])));
  state.pending.sort((one, other) => one.sent_at.localeCompare(other.sent_at));
  if (tabs) tabs.onmessage = (event) => heard(event.data);
  window.addEventListener("online", () => awake.dispatchEvent(new Event("wake")));
  window.addEventListener("offline", () => ((state.online = false), bridge.changed()));
  void led(follow);
  if (token) void reload().then(flush, () => undefined);
  else void flush();

  function heard(said: any): void {
    if (said.type === "event") take(said.kind, said.data, said.id);
    else if (said.type === "sent") confirmed(said.id, said.message);
    else if (said.type === "token" && said.token !== token) adopt(said.token);
    else if (said.type === "reset") forget();
  }

  // One tab holds the stream and tells the others; where the browser has no locks, each holds its own.
  async function led(work: () => Promise<void>): Promise<void> {
    if (navigator.locks && tabs) await navigator.locks.request(`savdo-stream:${key}`, work);
    else await work();
  }

  async function follow(): Promise<void> {
    for (let failures = 0; ; ) {
      while (!token) await slept(3600_000);
      const mine = generation;
      try {
        if (!state.loaded) await reload();
        await listen();
        failures = 0;
      } catch (error) {
        if (mine !== generation) continue;
        if (error instanceof Refusal && error.status === 401) await renew().catch(() => undefined);
        failures += 1;
        if (failures > 1 || !navigator.onLine) setOnline(false);
      }
      await slept(backoff(failures));
    }
  }

  async function listen(): Promise<void> {
    abort = new AbortController();
    const answer = await fetch("/widget/v1/events", {
      headers: { Authorization: `Bearer ${token}`, "Last-Event-ID": String(revision) }, cache: "no-store", signal: abort.signal,
    });
    if (!answer.ok) throw await refusal(answer);
    setOnline(true);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    const stop = abort;
    let watchdog = 0;
    let rest = "";
    try {
      for (;;) {
        window.clearTimeout(watchdog);
        watchdog = window.setTimeout(() => stop.abort(), SILENCE_MS);
        const { done, value } = await reader.read();
        if (done) return;
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop()!;
        blocks.forEach(event);
      }
    } finally {
      window.clearTimeout(watchdog);
    }
  }

  function event(block: string): void {
    const fields: Record<string, string> = {};
    for (const line of block.split("\n")) {
      const at = line.indexOf(":");
      if (at > 0) fields[line.slice(0, at)] = line.slice(at + 1).trimStart();
    }
    if (!fields.event) return;
    const data = JSON.parse(fields.data || "{}");
    const id = Number(fields.id || 0);
    tabs?.postMessage({ type: "event", kind: fields.event, data, id });
    take(fields.event, data, id);
  }

  function take(kind: string, data: any, id: number): void {
    if (kind === "resync") void reload();
    else if (kind === "typing") {
      state.typing = data.on ? data.author.kind : "";
      // A lost "off" must not leave somebody typing for ever.
      typingEnds = Date.now() + 60_000;
      window.setTimeout(() => Date.now() >= typingEnds && ((state.typing = ""), bridge.changed()), 60_100);
    } else if (kind === "conversation.assigned" || kind === "conversation.closed") state.status = data.status;
    else if (data.message) put(data.message);
    revision = Math.max(revision, id);
    bridge.changed();
  }

  function put(message: Message): void {
    const known = state.messages.has(message.id);
    if (message.client_msg_id) drop(message.client_msg_id);
    if (message.direction === "out") state.typing = "";
    state.messages.set(message.id, message);
    if (!known && message.direction === "out" && !message.deleted) bridge.arrived(message);
  }

  function drop(id: string): void {
    if (!state.pending.some((one) => one.client_msg_id === id)) return;
    state.pending = state.pending.filter((one) => one.client_msg_id !== id);
    bridge.store(`out.${id}`, null);
  }

  async function reload(again = true): Promise<void> {
    const mine = generation;
    const found = await call("GET", "/messages?limit=50");
    if (mine !== generation) return;
    // A change that came while the list was on its way may be older in the list.
    if (again && revision > found.revision) return reload(false);
    const newer = [...state.messages.values()].filter((one) => one.id > found.revision);
    state.messages = new Map([...found.messages, ...newer].map((one: Message) => [one.id, one]));
    state.older = found.messages.length === 50;
    found.messages.forEach((one: Message) => one.client_msg_id && drop(one.client_msg_id));
    state.readUpTo = found.read_up_to;
    state.status = found.status;
    revision = Math.max(revision, found.revision);
    state.loaded = true;
    bridge.changed();
  }

  async function older(): Promise<void> {
    const first = Math.min(...state.messages.keys());
    const found = await call("GET", `/messages?before=${first}&limit=50`);
    state.messages = new Map([...found.messages.map((one: Message) => [one.id, one] as const), ...state.messages]);
    state.older = found.messages.length === 50;
    bridge.changed();
  }

  // Two tabs that start at once must become one visitor.
  async function session(rejected = ""): Promise<void> {
    const begin = async () => {
      if (token && token !== rejected) return;
      const kept = (await bridge.read()).token || "";
      if (kept && kept !== rejected) return adopt(kept);
      const body = { key, visitor_token: kept || null, page: arrival.page, utm: arrival.utm, locale: config.locale };
      const found = await sent("POST", "/sessions", body, "");
      keep(found.visitor_token);
      state.loaded = true;
    };
    if (navigator.locks) await navigator.locks.request(`savdo-session:${key}`, begin);
    else await begin();
  }

  function keep(fresh: string): void {
    token = fresh;
    bridge.store("token", fresh);
    tabs?.postMessage({ type: "token", token: fresh });
    awake.dispatchEvent(new Event("wake"));
  }

  function adopt(fresh: string): void {
    token = fresh;
    restart();
    if (token) void reload().catch(() => undefined);
  }

  function restart(): void {
    generation += 1;
    revision = 0;
    state.messages = new Map();
    state.readUpTo = 0;
    state.loaded = false;
    abort.abort();
    awake.dispatchEvent(new Event("wake"));
  }

  async function renew(): Promise<void> {
    const rejected = token;
    token = "";
    await session(rejected);
    restart();
    state.loaded = true;
  }

  async function call(method: string, path: string, body?: unknown): Promise<any> {
    if (!token) await session();
    try {
      return await sent(method, path, body, token);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 401 || error.code !== "bad_token") throw error;
      await renew();
      return sent(method, path, body, token);
    }
  }

  async function flush(): Promise<void> {
    if (flushing) return;
    flushing = true;
    try {
      for (let failures = 0; ; ) {
        const next = state.pending.find((one) => !one.failed);
        if (!next) return;
        const wait = await deliver(next, failures);
        failures = wait ? failures + 1 : 0;
        if (wait) await slept(wait);
      }
    } finally {
      flushing = false;
    }
  }

  // Returns how long to wait before the next attempt, in milliseconds; 0 when this one is settled.
  async function deliver(one: Pending, failures: number): Promise<number> {
    if (Date.now() - Date.parse(one.sent_at) > GIVEN_UP_MS) return fail(one, config.texts.not_sent);
    const { client_msg_id, text, quick_reply, sent_at } = one;
    try {
      const stored = await call("POST", "/messages", { client_msg_id, text, quick_reply, sent_at, attachments: one.attachments.map((file) => file.id) });
      setOnline(true);
      state.notice = "";
      const message = asMessage(one, stored);
      confirmed(client_msg_id, message);
      tabs?.postMessage({ type: "sent", id: client_msg_id, message });
      return 0;
    } catch (error) {
      if (error instanceof Refusal && error.status === 429) {
        state.notice = config.texts.slow_down.replace("{seconds}", String(error.wait));
        bridge.changed();
        return error.wait * 1000;
      }
      if (error instanceof Refusal && error.status < 500) {
        return fail(one, error.code === "identity_required" ? config.texts.sign_in : Object.values(error.fields)[0] || error.message);
      }
      setOnline(false);
      return backoff(failures + 1);
    }
  }

  function confirmed(id: string, message: Message): void {
    drop(id);
    if (!state.messages.has(message.id)) state.messages.set(message.id, message);
    if (state.status === "bot" || state.status === "handover") state.typing = state.typing || "";
    state.loaded = true;
    bridge.changed();
  }

  function fail(one: Pending, why: string): number {
    one.failed = why;
    bridge.store(`out.${one.client_msg_id}`, JSON.stringify(one));
    bridge.changed();
    return 0;
  }

  function send(text: string, attachments: Attachment[] = [], quick_reply: Pending["quick_reply"] = null): void {
    const files = attachments.map(({ id, name, kind, mime, size }) => ({ id, name, kind, mime, size }));
    const one: Pending = { client_msg_id: crypto.randomUUID?.() ?? random(), text, attachments: files, quick_reply, sent_at: new Date().toISOString(), failed: "" };
    state.pending.push(one);
    bridge.store(`out.${one.client_msg_id}`, JSON.stringify(one));
    bridge.changed();
    void flush();
  }

  function retry(one: Pending): void {
    one.failed = "";
    one.sent_at = new Date().toISOString();
    bridge.changed();
    void flush();
  }

  function remove(one: Pending): void {
    drop(one.client_msg_id);
    bridge.changed();
  }

  async function identify(person: Record<string, unknown>): Promise<void> {
    const before = visitor(token);
    const found = await call("POST", "/identify", person);
    if (visitor(found.visitor_token) === before) return;
    keep(found.visitor_token);
    restart();
    await reload();
    bridge.changed();
  }

  async function read(upTo: number): Promise<void> {
    if (upTo <= state.readUpTo || !token) return;
    state.readUpTo = upTo;
    await call("POST", "/read", { up_to: upTo }).catch(() => undefined);
  }

  function typed(): void {
    if (!token || !state.messages.size || Date.now() - typedAt < 3000) return;
    typedAt = Date.now();
    void call("POST", "/typing", { on: true }).catch(() => undefined);
  }

  // fetch tells nothing of an upload's progress.
  async function upload(file: File, progress: (share: number) => void): Promise<Attachment> {
    if (!token) await session();
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      const body = new FormData();
      body.append("file", file);
      request.open("POST", "/widget/v1/uploads");
      request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.upload.onprogress = (event) => progress(event.loaded / event.total);
      request.onerror = () => failed(new Error("network"));
      request.onload = () => {
        const said = JSON.parse(request.responseText || "{}");
        if (request.status < 300) done(said);
        else failed(new Refusal(request.status, said.error?.code || "", said.error?.message || "", said.error?.fields || {}, 0));
      };
      request.send(body);
    });
  }

  function forget(): void {
    token = "";
    state.pending = [];
    state.status = "bot";
    restart();
    bridge.changed();
  }

  function reset(): void {
    forget();
    tabs?.postMessage({ type: "reset" });
  }

  function setOnline(online: boolean): void {
    if (state.online === online) return;
    state.online = online;
    bridge.changed();
  }

  function slept(ms: number): Promise<void> {
    return new Promise((done) => {
      const finish = () => (window.clearTimeout(timer), awake.removeEventListener("wake", finish), done());
      const timer = window.setTimeout(finish, ms);
      awake.addEventListener("wake", finish);
    });
  }

  return { state, send, retry, remove, upload, identify, read, typed, reset, older, prechat: (form: unknown) => call("POST", "/prechat", form) };
}

async function sent(method: string, path: string, body: unknown, token: string): Promise<any> {
  const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/widget/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  if (!answer.ok) throw await refusal(answer);
  return answer.status === 204 ? null : answer.json();
}

async function refusal(answer: Response): Promise<Refusal> {
  const said = (await answer.json().catch(() => ({}))).error || {};
  return new Refusal(answer.status, said.code || "", said.message || "", said.fields || {}, Number(answer.headers.get("Retry-After")) || 5);
}

function asMessage(one: Pending, stored: { id: number; created_at: string }): Message {
  return {
    id: stored.id, client_msg_id: one.client_msg_id, direction: "in", author: { kind: "visitor", name: "" }, type: "text", text: one.text,
    buttons: [], attachments: one.attachments.map((file) => ({ ...file, url: "" })), reply_to: null, created_at: stored.created_at, edited_at: null, deleted: false,
  };
}

// 1, 2, 4 … 30 seconds, spread so that a server that comes back is not met by everybody at once.
function backoff(failures: number): number {
  return Math.min(LONGEST_WAIT_S, 2 ** Math.max(0, failures - 1)) * 1000 * (0.75 + Math.random() / 2);
}

function visitor(token: string): string {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).id;
  } catch {
    return "";
  }
}

function random(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
