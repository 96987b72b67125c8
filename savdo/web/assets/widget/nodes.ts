// Building nodes: text is always text, a link is always http or https.

type Child = Node | string | null | false | undefined;

export function make<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  for (const child of children) if (child) node.append(child);
  return node;
}

const ICONS: Record<string, string> = {
  close: "M6 6l12 12M18 6L6 18",
  send: "M5 12h13M12 5l7 7-7 7",
  attach: "M20 11.5l-8.2 8.2a5 5 0 0 1-7-7l8.9-9a3.3 3.3 0 0 1 4.7 4.7l-8.8 8.8a1.7 1.7 0 0 1-2.4-2.3l8-8",
  file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5",
  clock: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  sent: "M5 12.5l4.5 4.5L19 7.5",
  answered: "M2 12.5l4.5 4.5L15 8M11 16l1 1 9.5-9.5",
  failed: "M12 8v5M12 16.5v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM6 11a6 6 0 0 0 12 0M12 17v4",
  bot: "M12 4v3M7 7h10a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3v-6a3 3 0 0 1 3-3zM9 12v1.5M15 12v1.5",
  down: "M12 5v14M6 13l6 6 6-6",
};

export function icon(name: string, label = ""): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon i-${name}`);
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  line.setAttribute("d", ICONS[name]);
  svg.append(line);
  return svg;
}

const MARKS = /\*\*([^*\n]+)\*\*|\[([^\]\n]{1,200})\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"]+)/g;

/** The light marks of an answer: `**bold**`, `[words](link)`, bare links, `- list`; everything else is text. */
export function marked(text: string): DocumentFragment {
  const all = document.createDocumentFragment();
  let list: HTMLUListElement | null = null;
  let paragraph: HTMLParagraphElement | null = null;
  for (const line of text.split("\n")) {
    const item = /^\s*[-•*]\s+(.*)/.exec(line);
    if (item) {
      paragraph = null;
      if (!list) all.append((list = make("ul")));
      list.append(make("li", { dir: "auto" }, inline(item[1])));
    } else if (!line.trim()) list = paragraph = null;
    else {
      list = null;
      if (paragraph) paragraph.append(make("br"));
      else all.append((paragraph = make("p", { dir: "auto" })));
      paragraph.append(inline(line));
    }
  }
  return all;
}

/** What a visitor wrote: only bare links are more than text. */
export function plain(text: string): DocumentFragment {
  const all = document.createDocumentFragment();
  all.append(make("p", { dir: "auto" }, inline(text, false)));
  return all;
}

function inline(text: string, marks = true): DocumentFragment {
  const all = document.createDocumentFragment();
  let from = 0;
  for (const found of text.matchAll(MARKS)) {
    const [whole, bold, words, target, bare] = found;
    if (!marks && !bare) continue;
    all.append(unbroken(text.slice(from, found.index)));
    from = found.index! + whole.length;
    if (bold) all.append(make("strong", {}, unbroken(bold)));
    else if (target) all.append(link(target, words));
    else {
      // A full stop after a link ends the sentence, not the link.
      const address = bare.replace(/[.,;:!?)\]}»”'…]+$/, "");
      all.append(link(address, address.replace(/^https?:\/\//, "")), bare.slice(address.length));
    }
  }
  all.append(unbroken(text.slice(from)));
  return all;
}

/** A price in groups of three is one word: "3 400 000" never ends a line after the 3. */
function unbroken(text: string): string {
  return text.replace(/(\d) (?=\d{3}(?!\d))/g, "$1\u00a0");
}

export function link(address: string, words: string): Node {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return document.createTextNode(words);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return document.createTextNode(words);
  return make("a", { href: url.href, target: "_blank", rel: "noopener nofollow noreferrer" }, words);
}
