import "htmx.org/dist/htmx.js";
import { live } from "./live.js";
import { notices } from "./notices.js";
import { palette } from "./palette.js";
import { preview } from "./preview.js";
import { uploads } from "./uploads.js";

const $ = (selector, root = document) => root.querySelector(selector);

// A word at the bottom for some seconds; with a button when something can be undone.
function toast({ text, kind }) {
  const note = document.createElement("div");
  note.className = `note ${kind === "error" ? "error" : ""}`;
  note.textContent = text;
  $("#toasts").append(note);
  setTimeout(() => note.remove(), kind === "error" ? 7000 : 4000);
}
document.addEventListener("toast", (event) => toast(event.detail));
addEventListener("savdo:toast", (event) => toast(event.detail));
document.addEventListener("htmx:error", (event) => {
  const error = event.detail?.error;
  if (error?.name === "AbortError" || event.detail?.ctx?.response) return;
  toast({ text: document.body.dataset.offline, kind: "error" });
});

// Threads open at their end and stay there while somebody reads the newest.
function toEnd(root = document) {
  for (const box of root.querySelectorAll?.("[data-end]") ?? []) box.scrollTop = box.scrollHeight;
}
let wasAtEnd = true;
document.addEventListener("htmx:before:swap", () => {
  const box = $("[data-end]");
  wasAtEnd = !box || box.scrollHeight - box.scrollTop - box.clientHeight < 120;
});
document.addEventListener("htmx:after:swap", () => {
  if (wasAtEnd) toEnd();
});
toEnd();

// A list that reads itself again reads as much as somebody has already asked to see of it.
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (ctx.request.method !== "GET") return;
  if (ctx.sourceElement.id === "thread") {
    // By number: what a customer wrote in one breath stands in the order they wrote it.
    const numbers = [...ctx.sourceElement.querySelectorAll("article[id^=m-]")].map((one) => Number(one.id.slice(2)));
    // What comes while nobody looks stays unread until somebody does.
    ctx.request.action += `?seen=${!document.hidden}${numbers.length ? `&since=${Math.min(...numbers)}` : ""}`;
  }
  if (ctx.sourceElement.id === "talks") ctx.request.action += `&count=${Math.min(300, Math.max(30, $("#talks").querySelectorAll(".talk").length))}`;
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) document.body.dispatchEvent(new CustomEvent("live:seen")); });

// On a narrow window the details lie over the thread: whoever opens them is in them, whoever closes them is back.
function aside(shown) {
  $(".inbox")?.classList.toggle("show-side", shown);
  $(shown ? "#side" : ".talking [data-side]")?.focus({ preventScroll: true });
}

// Enter sends, Shift-Enter makes a line; a text being sent cannot be sent twice.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && field.matches?.("textarea[data-send]")) {
    event.preventDefault();
    const sending = field.form.matches(".htmx-request");
    if (!sending && (field.value.trim() || $("[data-files]", field.form)?.files.length)) field.form.requestSubmit();
  }
  if (event.key === "Escape" && $(".inbox.show-side") && !$("dialog[open]")) aside(false);
  if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; $("summary", menu).focus(); }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  const copier = event.target.closest("[data-copy]");
  if (copier) navigator.clipboard.writeText($(copier.dataset.copy).textContent.trim()).then(() => toast({ text: copier.dataset.done }));
  if (event.target.closest("[data-why]")) aside(true);
  if (event.target.closest("[data-side]")) aside(!$(".inbox.show-side"));
  const filler = event.target.closest("[data-fill]");
  if (filler) { const field = $("textarea[data-send]"); field.value = filler.dataset.fill; field.focus(); }
});

// Files chosen for the next message: their names, that they are on their way, and nothing once they are sent. What was refused stays chosen.
function attaching(form) {
  const files = $("[data-files]", form), names = $("[data-attached]", form);
  if (!files) return;
  const show = () => (names.textContent = [...files.files].map((file) => file.name).join(", "));
  files.addEventListener("change", () => { show(); $("textarea", form).focus(); });
  const ours = (event) => event.detail?.ctx?.sourceElement === form;
  form.addEventListener("htmx:before:request", (event) => { if (ours(event) && files.files.length) names.textContent = names.dataset.sending; });
  form.addEventListener("htmx:after:request", (event) => {
    if (!ours(event)) return;
    if (event.detail.ctx.response?.raw?.ok) files.value = "";
    show();
  });
  form.addEventListener("htmx:error", show);
}

// What was typed and not sent is kept for each conversation, in this tab.
function drafts() {
  for (const field of document.querySelectorAll("textarea[data-draft]")) {
    const key = `draft:${field.dataset.draft}`;
    if (!field.value) field.value = sessionStorage.getItem(key) ?? "";
    field.addEventListener("input", () => sessionStorage.setItem(key, field.value));
    field.form.addEventListener("htmx:after:request", (event) => {
      // The "is typing" requests of the field itself come by here too.
      if (event.detail?.ctx?.sourceElement !== field.form || !event.detail.ctx.response?.raw?.ok) return;
      sessionStorage.removeItem(key);
      field.value = "";
      wasAtEnd = true;
    });
    attaching(field.form);
  }
}
drafts();
notices(live());
palette();
preview();
uploads();
