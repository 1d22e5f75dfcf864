// Bundles each script and sheet at the top of frontend/ into static/bundle/, and removes bundles of files that left.
import { build } from "esbuild";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const source = join(root, "frontend");
const target = join(root, "static", "bundle");

const names = (await readdir(source)).filter((name) => /\.(js|css)$/.test(name));
if (names.length > 0) {
  await build({
    entryPoints: names.map((name) => join(source, name)),
    outdir: target,
    bundle: true,
    minify: true,
    sourcemap: false,
    target: "es2020",
    format: "iife",
    loader: { ".svg": "dataurl", ".png": "dataurl" },
    legalComments: "linked",
    logLevel: "warning",
  });
}
// After, not before: pages that are open meanwhile find their scripts.
const made = new Set(names);
for (const old of await readdir(target).catch(() => [])) {
  if (!made.has(old.replace(/\.LEGAL\.txt$/, ""))) await rm(join(target, old), { recursive: true });
}
console.log(`${names.length} bundles in static/bundle`);
