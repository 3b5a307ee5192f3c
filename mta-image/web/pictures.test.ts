/** docs/web.md shows every page in light, in dark and on a phone, and every picture that lies beside it. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { root } from "../../tools/tree.ts";

const text = readFileSync(`${root}docs/web.md`, "utf8");
const linked = new Set([...text.matchAll(/\]\(web\/([\w-]+\.png)\)/g)].map(([, name]) => name));

test("every picture that is kept is shown", () => {
  const kept = globSync("*.png", { cwd: `${root}docs/web` });
  assert.deepEqual(
    kept.filter((name) => !linked.has(name)),
    [],
  );
});

test("every page is shown in light, in dark and on a phone", () => {
  const menu = readFileSync(`${root}mta-image/web/pages/app.tsx`, "utf8").matchAll(
    /^ {2}\["([\w-]+)", "\w+", "\w+"\],$/gm,
  );
  const pages = [...[...menu].map(([, view = ""]) => view), "message", "login"];
  assert.ok(pages.length > 12, pages.join());
  const missing = pages.flatMap((page) =>
    ["light", "dark", "phone"].map((way) => `${page}-${way}.png`).filter((name) => !linked.has(name)),
  );
  assert.deepEqual(missing, []);
});
