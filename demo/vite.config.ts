import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** Built by `npm run demo:build`, served by the application at `/demo`. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/demo/',
  logLevel: 'warn',
  resolve: {
    alias: {
      '@latchkey/client/challenge': fileURLToPath(new URL('../client/src/challenge.ts', import.meta.url)),
      '@latchkey/client': fileURLToPath(new URL('../client/src/index.ts', import.meta.url)),
    },
  },
  worker: { format: 'es', rolldownOptions: { output: { entryFileNames: '[name].js' } } },
  build: {
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // It is never cached without asking, so that its names need no hashes.
    rolldownOptions: { output: { entryFileNames: '[name].js', assetFileNames: '[name][extname]' } },
  },
});
