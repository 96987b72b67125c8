// The thread on screen. Only what changed is touched, so that a screen reader hears each message once.

import type { Client } from "./client";
import type { Attachment, Config, Message, Pending } from "./messages";
import { icon, link, make, marked, plain } from "./nodes";

const BURST_MS = 5 * 60_000;

interface Item {
  key: string;
  side: string;
  author: string;
  at: number;
  message?: Message;
  pending?: Pending;
}

export function threadView(log: HTMLElement, client: () => Client, config: () => Config) {
  const shown = new Map<string, { node: HTMLElement; signature: string }>();

  function draw(): void {
    const items = listed(client());
    const last = items.length - 1;
    const answeredAt = Math.max(0, ...items.filter((one) => one.message?.direction === "out").map((one) => one.message!.id));
    const wanted: [string, string, () => HTMLElement][] = [];
    items.forEach((one, at) => {
      const before = items[at - 1];
      const after = items[at + 1];
      if (!before || day(before.at) !== day(one.at)) wanted.push([`day:${day(one.at)}`, config().locale, () => dayLine(one.at)]);
      const first = !before || before.author !== one.author || one.at - before.at > BURST_MS || day(before.at) !== day(one.at);
      const ends = !after || after.author !== one.author || after.at - one.at > BURST_MS || day(after.at) !== day(one.at);
      const tick = one.side !== "mine" ? "" : one.pending ? (one.pending.failed ? "failed" : "clock") : one.message!.id < answeredAt ? "answered" : "sent";
      const active = at === last;
      const signature = JSON.stringify([one.message, one.pending, first, ends, tick, active, config().locale]);
      wanted.push([one.key, signature, () => row(one, first, ends, tick, active)]);
    });
    place(wanted);
  }

  function place(wanted: [string, string, () => HTMLElement][]): void {
    const keys = new Set(wanted.map(([key]) => key));
    for (const [key, { node }] of shown) if (!keys.has(key)) node.remove(), shown.delete(key);
    let next: Node | null = log.firstChild;
    for (const [key, signature, build] of wanted) {
      const known = shown.get(key);
      if (known?.signature === signature) {
        if (known.node === next) next = next.nextSibling;
        else log.insertBefore(known.node, next);
        continue;
      }
      const node = build();
      if (known) {
        if (known.node === next) next = next.nextSibling;
        node.classList.add("settled");
        known.node.replaceWith(node);
      }
      if (node.nextSibling !== next || !node.parentNode) log.insertBefore(node, next);
      shown.set(key, { node, signature });
    }
  }

  function row(one: Item, first: boolean, ends: boolean, tick: string, active: boolean): HTMLElement {
    const { texts } = config();
    const node = make("div", { class: `row ${one.side}${first ? " first" : ""}${ends ? " ends" : ""}` });
    if (one.side === "system") {
      node.append(make("p", { class: "system-line", dir: "auto" }, one.message!.text));
      return node;
    }
    node.append(make("span", { class: first && one.side !== "mine" ? "who" : "for-readers" }, who(one)));
    if (one.message?.deleted) node.append(make("div", { class: "bubble gone" }, texts.deleted));
    else node.append(...files(one), ...bubble(one));
    if (active && one.message?.buttons.length) node.append(choices(one.message));
    if (one.pending?.failed) node.append(failure(one.pending));
    else if (ends) {
      const time = make("time", { datetime: new Date(one.at).toISOString() }, clock(one.at));
      const label = { clock: texts.sending, sent: texts.sent, answered: texts.answered }[tick];
      node.append(make("div", { class: "meta" }, one.message?.edited_at ? `${texts.edited} · ` : null, time, label ? icon(tick, label) : null));
    }
    return node;
  }

  function who(one: Item): string {
    const { texts, bot_name } = config();
    if (one.side === "mine") return `${texts.you}: `;
    if (one.message!.author.kind === "bot") return `${bot_name} · AI`;
    return one.message!.author.name || config().name;
  }

  function bubble(one: Item): Node[] {
    const text = one.message?.text ?? one.pending!.text;
    if (!text) return [];
    return [make("div", { class: "bubble" }, one.message?.direction === "out" ? marked(text) : plain(text))];
  }

  function files(one: Item): Node[] {
    const all = (one.message?.attachments ?? one.pending!.attachments) as Attachment[];
    return all.map((file) => {
      if (file.kind === "image" && file.url) {
        const picture = make("img", { src: file.url, alt: file.name, loading: "lazy" });
        return make("a", { class: "picture", href: file.url, target: "_blank", rel: "noopener" }, picture);
      }
      if (file.kind === "voice" && file.url) return make("audio", { controls: "", src: file.url, preload: "metadata", "aria-label": file.name });
      const label = make("span", {}, make("b", { dir: "auto" }, file.name), make("small", {}, size(file.size)));
      return file.url
        ? make("a", { class: "file", href: file.url, target: "_blank", rel: "noopener", download: file.name }, icon("file"), label)
        : make("span", { class: "file" }, icon("file"), label);
    });
  }

  function choices(message: Message): HTMLElement {
    const box = make("div", { class: "choices" });
    for (const one of message.buttons) {
      if (one.url) {
        box.append(link(one.url, one.title));
        continue;
      }
      const button = make("button", { type: "button", class: "choice", dir: "auto" }, one.title);
      button.onclick = () => client().send(one.title, [], { message_id: message.id, id: one.id, title: one.title });
      box.append(button);
    }
    return box;
  }

  function failure(one: Pending): HTMLElement {
    const { texts } = config();
    const again = make("button", { type: "button" }, texts.retry);
    const away = make("button", { type: "button" }, texts.delete);
    again.onclick = () => client().retry(one);
    away.onclick = () => client().remove(one);
    return make("div", { class: "failure" }, icon("failed"), make("span", {}, `${texts.not_sent}. ${one.failed === texts.not_sent ? "" : one.failed} `), again, away);
  }

  function dayLine(at: number): HTMLElement {
    const { texts, locale } = config();
    const ago = Math.round((Date.parse(day(Date.now())) - Date.parse(day(at))) / 86_400_000);
    const words = ago === 0 ? texts.today : ago === 1 ? texts.yesterday : new Date(at).toLocaleDateString(locale, { day: "numeric", month: "long" });
    return make("div", { class: "day" }, make("span", {}, words));
  }

  function clock(at: number): string {
    return new Date(at).toLocaleTimeString(config().locale, { hour: "numeric", minute: "2-digit" });
  }

  return draw;
}

function listed(client: Client): Item[] {
  const stored = [...client.state.messages.values()].sort((one, other) => one.id - other.id).map((message) => {
    const kind = message.author.kind;
    return {
      key: message.client_msg_id ? `c:${message.client_msg_id}` : `m:${message.id}`,
      side: kind === "visitor" ? "mine" : kind === "system" ? "system" : kind,
      author: kind + message.author.name,
      at: Date.parse(message.created_at),
      message,
    };
  });
  // What is not confirmed yet stands at the end, in the order it was written.
  const waiting = client.state.pending.map((pending) => ({
    key: `c:${pending.client_msg_id}`, side: "mine", author: "visitor", at: Math.max(Date.parse(pending.sent_at), stored.at(-1)?.at ?? 0), pending,
  }));
  return [...stored, ...waiting];
}

function day(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
}

export function size(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
