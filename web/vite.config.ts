import { defineConfig } from 'vite';

// Nothing is inlined, neither assets nor scripts: the page is served under
// `Content-Security-Policy: default-src 'self'`, which also refuses data: URLs.
export default defineConfig({
  base: './',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npx vite web` while `npm start` runs: the page from its sources, the streams from the server.
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: 'http://127.0.0.1:8875', ws: true } },
  },
});
