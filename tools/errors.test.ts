import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { listFiles, root } from "./tree.ts";

test("every code that a Failure is made with stands in docs/errors.md", () => {
  const page = readFileSync(`${root}docs/errors.md`, "utf8");
  const sources = listFiles().filter((path) => /^(base|crds|mta-image|operator)\/.*\.ts$/.test(path));
  const missing = sources
    .filter((path) => !/\.test\.ts$|\/testing\//.test(path))
    .flatMap((path) => {
      const codes = readFileSync(root + path, "utf8").matchAll(/new \w*Failure\(\s*"([a-z]+(?:-[a-z]+)*)"/g);
      return [...codes].map(([, code = ""]) => ({ path, code }));
    })
    .filter(({ code }) => !page.includes(`\`${code}\``));
  assert.deepEqual(missing, []);
});
