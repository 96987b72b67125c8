// Files dropped or chosen: one request each, so that one that is refused does not stop the others.
export function uploads() {
  const zone = document.querySelector("[data-upload]");
  if (!zone) return;
  const field = zone.querySelector("input[type=file]");
  const list = zone.querySelector("[data-uploading]");
  const send = (file) => new Promise((done) => {
    const row = document.createElement("li");
    const name = document.createElement("span");
    const bar = document.createElement("progress");
    const word = document.createElement("span");
    name.textContent = file.name;
    name.className = "cut";
    bar.max = 100;
    bar.setAttribute("aria-label", file.name);
    row.append(name, bar, word);
    list.append(row);
    const request = new XMLHttpRequest();
    request.open("POST", zone.dataset.upload);
    request.setRequestHeader("x-csrf-token", zone.dataset.csrf);
    request.setRequestHeader("accept", "application/json");
    request.upload.addEventListener("progress", (event) => (bar.value = (event.loaded / event.total) * 100));
    const end = (text) => {
      bar.remove();
      if (text) { word.textContent = text; word.className = "failed"; word.setAttribute("role", "alert"); } else row.remove();
      document.body.dispatchEvent(new CustomEvent("live:document"));
      done();
    };
    request.addEventListener("load", () => {
      if (request.status < 300) return end("");
      try { end(JSON.parse(request.responseText).error.message); } catch { end(document.body.dataset.offline); }
    });
    request.addEventListener("error", () => end(document.body.dataset.offline));
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
  const all = async (files) => { for (const file of files) await send(file); };
  field.addEventListener("change", () => { all([...field.files]); field.value = ""; });
  for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => { event.preventDefault(); all([...event.dataTransfer.files]); });
}
