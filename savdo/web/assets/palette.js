// Ctrl-K: pages and conversations by their words.
export function palette() {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const field = dialog.querySelector("input");
  const open = () => { dialog.showModal(); field.select(); field.dispatchEvent(new Event("input", { bubbles: true })); };
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); dialog.open ? dialog.close() : open(); }
  });
  for (const button of document.querySelectorAll("[data-palette]")) button.addEventListener("click", open);
  const choose = (step) => {
    const links = [...dialog.querySelectorAll("[role=option]")];
    if (!links.length) return;
    const at = links.findIndex((link) => link.ariaSelected === "true");
    links[at]?.setAttribute("aria-selected", "false");
    const next = links[(at + step + links.length) % links.length];
    next.setAttribute("aria-selected", "true");
    next.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", next.id);
  };
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); choose(1); }
    if (event.key === "ArrowUp") { event.preventDefault(); choose(-1); }
    if (event.key === "Enter") { event.preventDefault(); (dialog.querySelector("[aria-selected=true]") ?? dialog.querySelector("[role=option]"))?.click(); }
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
