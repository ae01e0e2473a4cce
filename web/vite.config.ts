import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Nothing is inlined, neither assets nor scripts: the page is served under
// `Content-Security-Policy: default-src 'self'`, which also refuses data: URLs.
export default defineConfig({
  base: './',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: {
        index: here('./index.html'),
        'ws-example': here('./ws-example/index.html'),
        docs: here('./docs/index.html'),
        // The server writes the form page itself: its script has a name that stays.
        example: here('./pages/example.ts'),
      },
      output: {
        entryFileNames: ({ name }) =>
          name === 'example' ? 'pages/example.js' : 'assets/[name]-[hash].js',
      },
    },
  },
  // `npx vite web` while `npm start` runs: the page from its sources, the streams from the server.
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': { target: 'http://127.0.0.1:8875', ws: true },
      '/example/': { target: 'http://127.0.0.1:8875', ws: true },
    },
  },
});
