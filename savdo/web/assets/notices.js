// What calls for a person, told by the browser while nobody looks at the page.
const WANTED = "savdo:notices", TELLER = "savdo:teller";

export function notices(stream) {
  const places = [...document.querySelectorAll("[data-notices]")];
  if (!places.length || !window.Notification) return;
  const me = String(Math.random());
  const on = () => Notification.permission === "granted" && localStorage.getItem(WANTED) === "on";
  // Of many tabs the one that was looked at last tells; it keeps its stream for that.
  const telling = () => on() && localStorage.getItem(TELLER) === me;
  const claim = () => { localStorage.setItem(TELLER, me); stream.wake(); };
  stream.stays = telling;

  function tell(company, { key, text, href }) {
    const note = new Notification(text, { body: company, tag: key });
    note.addEventListener("click", () => { window.focus(); note.close(); location.assign(href); });
  }

  // News is what was not there at the look before; what waited when the page was left is known.
  let known, looking = false, again = false;
  async function look() {
    const answer = await fetch("/notices").catch(() => null);
    if (!answer?.ok) return;
    const { company, calls } = await answer.json();
    if (known && document.hidden) for (const one of calls.filter((call) => !known.has(call.key)).slice(0, 3)) tell(company, one);
    known = new Set(calls.map((call) => call.key));
  }
  async function happened() {
    if (!document.hidden || !telling()) return;
    again = true;
    if (looking) return;
    looking = true;
    while (again) { again = false; await look(); }
    looking = false;
  }

  function show() {
    for (const place of places) {
      place.hidden = false;
      place.querySelector("input").checked = on();
      place.querySelector("[role=alert]").hidden = Notification.permission !== "denied";
    }
  }
  async function turn(wanted, sample) {
    if (wanted && (await Notification.requestPermission()) === "granted") {
      // Some phones only have notices of another kind: there it throws, and the switch stays off.
      try { new Notification(sample, { tag: WANTED }); localStorage.setItem(WANTED, "on"); } catch { localStorage.removeItem(WANTED); }
    } else localStorage.removeItem(WANTED);
    show();
  }

  for (const place of places) place.addEventListener("change", (event) => turn(event.target.checked, place.dataset.notices));
  for (const name of ["live:list", "live:connection", "live:missed"]) document.body.addEventListener(name, happened);
  const seen = () => {
    known = undefined;
    if (document.hidden) happened(); else claim();
  };
  document.addEventListener("visibilitychange", seen);
  addEventListener("storage", () => { show(); if (!localStorage.getItem(TELLER)) claim(); });
  addEventListener("pagehide", () => { if (localStorage.getItem(TELLER) === me) localStorage.removeItem(TELLER); });
  show();
  seen();
}
