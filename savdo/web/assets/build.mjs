// Builds the pages' CSS, JavaScript and icons into built/, named by content, with a manifest for the templates.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..", "..");
const out = join(here, "built");
const manifest = {};

function keep(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 10);
  const [stem, end] = [name.slice(0, name.lastIndexOf(".")), name.slice(name.lastIndexOf("."))];
  manifest[name] = `${stem}-${hash}${end}`;
  writeFileSync(join(out, manifest[name]), content);
}

// Only our own files are replaced: other builds keep theirs here too.
mkdirSync(out, { recursive: true });
for (const name of readdirSync(out)) if (/^(app|theme|icons)-[0-9a-f]{10}\./.test(name)) rmSync(join(out, name));

const scratch = mkdtempSync(join(tmpdir(), "savdo-assets-"));
const cli = join(root, "node_modules", "@tailwindcss", "cli", "dist", "index.mjs");
execFileSync(process.execPath, [cli, "-i", join(here, "app.css"), "-o", join(scratch, "app.css"), "--minify"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
keep("app.css", readFileSync(join(scratch, "app.css")));
rmSync(scratch, { recursive: true });

for (const name of ["app", "theme"]) {
  const built = await build({
    entryPoints: [join(here, `${name}.js`)], bundle: true, minify: true, format: "iife", target: "es2022",
    write: false, legalComments: "none", logLevel: "warning",
  });
  keep(`${name}.js`, built.outputFiles[0].contents);
}

const icons = readFileSync(join(here, "icons.txt"), "utf8").split(/\s+/).filter(Boolean);
const symbols = icons.map((name) => {
  const svg = readFileSync(join(root, "node_modules", "lucide-static", "icons", `${name}.svg`), "utf8");
  const inner = svg.replace(/<!--.*?-->/gs, "").replace(/<svg[^>]*>/s, "").replace("</svg>", "").replace(/\s+/g, " ").trim();
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${inner}</symbol>`;
});
keep("icons.svg", `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`);

writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, null, 1));
