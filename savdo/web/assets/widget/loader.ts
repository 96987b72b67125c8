// The one script of the site's page: a launcher in a closed shadow root, an iframe, and the global `Savdo`.
// It fetches only the public settings; everything else happens in the iframe, which the site cannot touch.

import type { Config, Stored, ToFrame, ToPage } from "./messages";

type Listener = (detail: unknown) => void;

const script = document.currentScript as HTMLScriptElement | null;
const source = script && new URL(script.src);
const key = script?.dataset.key || source?.searchParams.get("key") || "";

const STYLE = `
:host{all:initial!important;display:block!important;position:fixed!important;inset:auto!important;width:0!important;height:0!important;z-index:2147483000!important;opacity:1!important;visibility:visible!important;transform:none!important;pointer-events:auto!important;font:15px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif!important}
button,iframe{position:fixed;bottom:20px;border:0;margin:0;padding:0;box-sizing:border-box}
.right{right:20px}.left{left:20px}
button{display:flex;align-items:center;gap:10px;min-width:56px;height:56px;border-radius:28px;cursor:pointer;color:var(--on);background:var(--accent);font:600 15px/1 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;box-shadow:0 1px 2px #0003,0 6px 20px #0003;transition:transform .15s}
button:hover{transform:translateY(-1px)}button:active{transform:scale(.97)}
button:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
button svg{width:26px;height:26px;margin:0 15px;flex:none}
button .words{padding-right:20px;margin-left:-10px;max-width:200px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;line-height:1.4}
.open .words,.badge:empty{display:none}
.badge{position:absolute;top:-4px;right:-4px;min-width:22px;height:22px;padding:0 6px;box-sizing:border-box;border-radius:11px;background:#c81e1e;color:#fff;font:700 12px/22px system-ui,sans-serif;text-align:center}
iframe{bottom:88px;width:400px;height:min(660px,calc(100dvh - 108px));max-width:calc(100vw - 40px);border-radius:16px;box-shadow:0 0 0 1px #8080802e,0 12px 48px #00000038;background:transparent;color-scheme:normal;opacity:0;visibility:hidden;transform:translateY(12px);transition:opacity .16s,transform .16s,visibility .16s}
iframe.open{opacity:1;visibility:visible;transform:none}
@media (max-width:480px),(max-height:420px){iframe{inset:0;width:100%;height:100dvh;max-width:none;border-radius:0}button.open{display:none}}
@media (prefers-reduced-motion:reduce){button,iframe{transition:none}}`;
const BUBBLE = "M4 5.5A2.5 2.5 0 0 1 6.5 3h11A2.5 2.5 0 0 1 20 5.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.4 3.7A1 1 0 0 1 5 19v-3.1a2.5 2.5 0 0 1-1-2z";
const CROSS = "M6 9.5l6 6 6-6";

if (source && key && !("Savdo" in window)) start(source.origin);

function start(base: string): void {
  const prefix = `savdo:${key}:`;
  const listeners: Record<string, Listener[]> = {};
  const waiting: ToFrame[] = [];
  let config: Config | undefined;
  let frame: HTMLIFrameElement | undefined;
  let button: HTMLButtonElement;
  let root: ShadowRoot;
  let ready = false;
  let open = false;
  let quiet = false;
  let unread = 0;
  let title = "";

  const call = (message: ToFrame): void => {
    if (ready) frame!.contentWindow!.postMessage(message, base);
    else waiting.push(message);
    load();
  };

  const api = {
    open: () => show(true),
    close: () => show(false),
    identify: (person: Record<string, unknown>) => call({ v: 1, type: "identify", person }),
    setAttributes: (attributes: Record<string, unknown>) => call({ v: 1, type: "identify", person: { attributes } }),
    setLocale: async (locale: string) => wear(await fetched(locale)),
    // How it would look with other settings: for the page they are chosen on. The form being typed in keeps the focus.
    preview: async (draft: Config, wanted: boolean) => {
      await built;
      quiet = true;
      open = wanted;
      if (wanted) load();
      wear(draft);
    },
    reset: () => {
      Object.keys(entries()).forEach((name) => store(name, null));
      if (frame) call({ v: 1, type: "reset" });
    },
    send: (text: string) => call({ v: 1, type: "send", text: String(text) }),
    on: (name: string, listener: Listener) => void (listeners[name] ||= []).push(listener),
  };
  Object.defineProperty(window, "Savdo", { value: api });

  const built = fetched(script!.dataset.locale || "auto").then(
    (found) => {
      config = found;
      build();
      // A visitor with a thread may have something unread; others load nothing until they reach for the button.
      if (entries().token || waiting.length) load();
      document.addEventListener("visibilitychange", retitle);
      window.dispatchEvent(new CustomEvent("chat:ready", { detail: api }));
      if (open) show(true);
    },
    () => console.warn("Savdo: the chat is not available."),
  );

  async function fetched(locale: string): Promise<Config> {
    const wanted = locale === "auto" ? document.documentElement.lang || navigator.language : locale;
    const answer = await fetch(`${base}/widget/v1/config?key=${encodeURIComponent(key)}&locale=${encodeURIComponent(wanted)}`, { credentials: "omit" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  function build(): void {
    const host = document.createElement("savdo-chat");
    root = host.attachShadow({ mode: "closed" });
    // A constructed sheet is allowed under every style-src.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    button = document.createElement("button");
    button.type = "button";
    button.append(icon(BUBBLE), span("words"), span("badge"));
    button.setAttribute("aria-haspopup", "dialog");
    button.onclick = () => show(!open);
    button.onpointerenter = button.onfocus = load;
    root.append(button);
    dress();
    document.body.append(host);
    window.addEventListener("message", hear);
  }

  function wear(fresh: Config): void {
    config = fresh;
    dress();
    if (frame) call({ v: 1, type: "config", config });
  }

  function dress(): void {
    const { colours, position, launcher } = config!;
    button.style.setProperty("--accent", colours.accent);
    button.style.setProperty("--on", colours.on_accent);
    button.className = position + (open ? " open" : "");
    if (frame) frame.className = button.className;
    button.querySelector(".words")!.textContent = launcher;
    (button.querySelector(".words") as HTMLElement).hidden = !launcher;
    button.querySelector("path")!.setAttribute("d", open ? CROSS : BUBBLE);
    button.setAttribute("aria-expanded", String(open));
    button.querySelector(".badge")!.textContent = unread ? (unread > 99 ? "99+" : String(unread)) : "";
    const { texts } = config!;
    button.setAttribute("aria-label", open ? texts.close : (launcher || texts.open) + (unread ? `, ${unread} ${texts.unread}` : ""));
  }

  function load(): void {
    if (frame || !config) return;
    frame = document.createElement("iframe");
    frame.title = config.name;
    frame.allow = "clipboard-write; microphone";
    frame.src = `${base}/widget/v1/frame?key=${encodeURIComponent(key)}#${encodeURIComponent(location.origin)}`;
    root.prepend(frame);
    dress();
  }

  function show(wanted: boolean): void {
    const changed = open !== wanted;
    open = wanted;
    if (!config) return;
    load();
    dress();
    if (ready || wanted) call({ v: 1, type: wanted ? "open" : "close" });
    if (wanted) frame!.focus();
    else if (changed) button.focus();
    if (changed) tell(wanted ? "open" : "close");
  }

  function hear(event: MessageEvent): void {
    if (!frame || event.source !== frame.contentWindow || event.origin !== base || event.data?.v !== 1) return;
    const message = event.data as ToPage;
    if (message.type === "ready") {
      ready = true;
      const page = { url: location.href, referrer: document.referrer, title: document.title };
      call({ v: 1, type: "init", config: config!, stored: entries(), page, utm: utm(), open: open && !quiet, dark: null });
      waiting.splice(0).forEach(call);
    } else if (message.type === "close") show(false);
    else if (message.type === "store") store(message.name, message.value);
    else if (message.type === "read") call({ v: 1, type: "stored", stored: entries() });
    else if (message.type === "unread") {
      unread = message.count;
      dress();
      retitle();
      tell("unread", unread);
    } else if (message.type === "event") tell(message.name, message.detail);
  }

  function tell(name: string, detail?: unknown): void {
    (listeners[name] || []).forEach((listener) => listener(detail));
  }

  function retitle(): void {
    const bare = document.title.replace(/^\(\d+\+?\) /, "");
    title = unread ? `(${unread}) ${bare}` : bare;
    if (document.title !== title) document.title = title;
  }

  function entries(): Stored {
    const found: Stored = {};
    try {
      Object.keys(localStorage).forEach((name) => name.startsWith(prefix) && (found[name.slice(prefix.length)] = localStorage.getItem(name)!));
    } catch {
      // A browser without storage keeps the chat for this page view.
    }
    return found;
  }

  function store(name: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(prefix + name);
      else localStorage.setItem(prefix + name, value);
    } catch {
      // The same.
    }
  }
}

function utm(): Record<string, string> {
  const found: Record<string, string> = {};
  new URLSearchParams(location.search).forEach((value, name) => /^(utm_\w+|gclid|fbclid|yclid)$/.test(name) && (found[name] = value.slice(0, 200)));
  return found;
}

function span(name: string): HTMLElement {
  const made = document.createElement("span");
  made.className = name;
  return made;
}

function icon(path: string): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  for (const [name, value] of [["fill", "none"], ["stroke", "currentColor"], ["stroke-width", "1.9"], ["stroke-linecap", "round"], ["stroke-linejoin", "round"]]) line.setAttribute(name, value);
  svg.append(line);
  return svg;
}
