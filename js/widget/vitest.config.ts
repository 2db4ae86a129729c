import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [
    {
      // The build bundles style sheets as text; the tests must see the same value.
      name: "css-as-text",
      enforce: "pre",
      resolveId: (id, importer) =>
        id.endsWith(".css") && importer ? `\0${resolve(dirname(importer), id)}.js` : null,
      load: (id) =>
        id.endsWith(".css.js")
          ? `export default ${JSON.stringify(readFileSync(id.slice(1, -3), "utf8"))}`
          : null,
    },
  ],
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/seed.ts"],
  },
});
