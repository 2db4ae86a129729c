import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [
    {
      // The build bundles theme.css as text; the tests must see the same value.
      name: "css-as-text",
      enforce: "pre",
      resolveId: (id) => (id.endsWith("/theme.css") ? "\0theme.css.js" : null),
      load: (id) =>
        id === "\0theme.css.js"
          ? `export default ${JSON.stringify(readFileSync("src/theme.css", "utf8"))}`
          : null,
    },
  ],
  test: { environment: "happy-dom", include: ["test/**/*.test.ts"] },
});
