// Before the first paint: which theme "auto" means on this device.
const wanted = document.documentElement.dataset.theme;
const dark = matchMedia("(prefers-color-scheme: dark)");
const apply = () => document.documentElement.classList.toggle("dark", wanted === "dark" || (wanted === "auto" && dark.matches));
apply();
dark.addEventListener("change", apply);
