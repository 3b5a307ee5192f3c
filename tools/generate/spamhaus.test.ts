import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { SpamhausConfig, spamhausLists } from "#contract/spamhaus-config.ts";
import { SpamhausSpec } from "#crds/mail-cluster-spamhaus.ts";
import { errorReasons, hashForms, zones } from "#mta/spamhaus/zones.ts";

import { tables } from "./spamhaus.ts";

test("docs/spamhaus.md holds the tables that the code makes, with every setting, code, form and reason", async () => {
  const page = await readFile(new URL("../../docs/spamhaus.md", import.meta.url), "utf8");
  assert.ok(page.includes(tables()), "run: make generate");
  const codes = spamhausLists.flatMap((list) => zones[list].listings.map(({ code }) => code));
  const words = [
    ...codes,
    ...Object.keys(SpamhausConfig.shape),
    ...Object.keys(SpamhausSpec.shape),
    ...Object.keys(hashForms),
    ...Object.keys(errorReasons),
  ];
  assert.deepEqual(
    words.filter((word) => !page.includes(word)),
    [],
  );
});
