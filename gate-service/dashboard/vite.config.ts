/** How the dashboard is built, and served while somebody works on it. */
import { defineConfig } from 'vite';

/** The gate service that `npm run dashboard` talks to. */
const service = process.env.SPEED_GATE_URL ?? 'http://127.0.0.1:7080';

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // The page's policy allows nothing inline, and every browser that can run it preloads by itself.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/v1': service } },
});
