import { defineConfig } from "vite";

// The built files are committed and ship in the wheel, so their names stay as they are.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/firstlight/shells/lab/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy allows no data: addresses
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: { entryFileNames: "lab.js", assetFileNames: "[name][extname]" },
    },
  },
});
