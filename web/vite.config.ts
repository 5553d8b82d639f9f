import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Write down what the page was built from: a test holds it against the sources. */
const builtFrom: Plugin = {
  name: "built-from",
  writeBundle() {
    const hash = createHash("sha256");
    const sources = readdirSync(here("src")).map((name) => `src/${name}`);
    for (const name of [...sources, "index.html", "package-lock.json", "vite.config.ts"].sort()) {
      hash.update(`${name}\n`).update(readFileSync(here(name)));
    }
    writeFileSync(here("../src/spinetk/server/page/built-from.txt"), `${hash.digest("hex")}\n`);
  },
};

export default defineConfig({
  base: "./",
  plugins: [builtFrom],
  // NiiVue's decoders for Zarr, which the page never reads: 1.4 MB
  resolve: { alias: [{ find: /^numcodecs\/.*/, replacement: here("src/no-codec.ts") }] },
  build: {
    outDir: "../src/spinetk/server/page",
    emptyOutDir: true,
    chunkSizeWarningLimit: 4000,
    sourcemap: false,
  },
  // `npm run dev` beside a running `spinetk serve`
  server: { proxy: { "/api": "http://127.0.0.1:8321" } },
});
