/**
 * Builds the pages of the web administration (pages/main.tsx and what it uses) into build/web with Vite: nothing of
 * theirs comes from anywhere else when they run. The licences of what is inside lie beside them. Throws when they do not build.
 */
import { build } from "vite";

import { root } from "./tree.ts";

/** `folder` is emptied first. */
export async function buildPages(folder: string): Promise<void> {
  await build({
    configFile: false,
    root: `${root}mta-image/web/pages`,
    base: "./",
    logLevel: "warn",
    build: {
      outDir: folder,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      license: { fileName: "licences.md" },
      modulePreload: { polyfill: false },
    },
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  });
}

if (import.meta.main) {
  await buildPages(`${root}build/web`);
  process.stdout.write("[web] build/web\n");
}
