// What happens now: one stream a tab. Elements name the events they read themselves again for (hx-trigger="live:… from:body").
export function live() {
  if (!document.body.dataset.live) return;
  let source, sleeping;
  // `stays`: whether it goes on while nobody looks; `wake`: open it again.
  const stream = { stays: () => false, wake: () => source.readyState === EventSource.CLOSED && open() };
  const tell = (name) => document.body.dispatchEvent(new CustomEvent(name));
  const typing = (id) => {
    const place = document.querySelector(`[data-typing="${id}"]`);
    if (!place) return;
    place.hidden = false;
    clearTimeout(place.ends);
    place.ends = setTimeout(() => (place.hidden = true), 4000);
  };
  const open = () => {
    source = new EventSource(document.body.dataset.live);
    // Also at the first one: something may have happened between the page being written and this stream.
    source.addEventListener("hello", () => tell("live:missed"));
    source.addEventListener("notice", (event) => {
      const { kind, id, extra } = JSON.parse(event.data);
      if (kind === "missed") return tell("live:missed");
      if (kind === "typing") return extra === "contact:on" && typing(id);
      if (kind === "document" || kind === "run" || kind === "connection") return tell(`live:${kind}`);
      tell("live:list");
      if (id) tell(`live:${id}`);
    });
  };
  open();
  // A browser allows six streams to a server: a tab nobody looks at gives its own back after a minute.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(sleeping);
    if (document.hidden) sleeping = setTimeout(() => stream.stays() || source.close(), 60_000);
    else stream.wake();
  });
  addEventListener("pagehide", () => source.close());
  return stream;
}
