// The chat beside its form wears what is typed: the server makes the draft's settings, the frame of this site is given them, nothing is stored.
const PAUSE_MS = 150;
const OUTSIDE = /^(launcher_|position$)/;

export function preview() {
  const form = document.querySelector("form[data-preview]");
  if (!form) return;
  const frame = document.getElementById("preview");
  let language = document.documentElement.lang;
  let typed = null;
  let asked = 0;
  let waiting;

  async function show() {
    const mine = ++asked;
    const answer = await fetch(`${form.dataset.preview}?locale=${language}`, { method: "POST", body: new FormData(form) }).catch(() => null);
    const draft = answer?.ok && (await answer.json());
    // What was overtaken by further typing is not shown; the button and its corner are seen while the window is closed.
    if (draft && mine === asked) frame.contentWindow.Savdo?.preview(draft, !OUTSIDE.test(typed.name));
  }

  form.addEventListener("input", ({ target }) => {
    typed = target;
    language = typed.lang || language;
    clearTimeout(waiting);
    waiting = setTimeout(show, PAUSE_MS);
  });
  // A frame further down a phone's page is not there before somebody comes to it.
  frame.addEventListener("load", () => typed && show());
}
