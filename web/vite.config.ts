import { defineConfig, loadEnv, type ProxyOptions } from "vite";

const environment = loadEnv("", ".", "HAREMQ_");

/** The broker that `npm run dev` talks to. */
const BROKER = environment.HAREMQ_API ?? "http://127.0.0.1:15672";

/** Where the API wants a password in each request (RabbitMQ's does): `guest:guest`. */
const BASIC = environment.HAREMQ_BASIC;

const proxy: Record<string, ProxyOptions> = {
  "/api": {
    target: BROKER,
    changeOrigin: true,
    ...(BASIC === undefined ? {} : { headers: { authorization: `Basic ${btoa(BASIC)}` } }),
  },
};

export default defineConfig({
  // Relative, so that the UI works below any path prefix.
  base: "./",
  server: { proxy },
  preview: { proxy },
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "../management/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // A data: URL in a style sheet would need more in the policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
