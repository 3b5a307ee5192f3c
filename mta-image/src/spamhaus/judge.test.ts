import assert from "node:assert/strict";
import { test } from "node:test";

import { spamhausLists } from "#contract/spamhaus-config.ts";

import type { Answer } from "../dns/resolver.ts";
import { judge } from "./judge.ts";
import { zones } from "./zones.ts";

const found = (...records: string[]): Answer<string> => ({ kind: "found", records, ttlMs: 60_000 });

test("every code of a list is a listing there and trouble in every other list", () => {
  for (const list of spamhausLists) {
    for (const { code } of zones[list].listings) {
      for (const asked of spamhausLists) {
        const { kind } = judge(asked, found(code));
        assert.equal(kind, asked === list ? "listed" : "error", `${code} from ${asked}`);
      }
    }
  }
});

test("all codes of one name count, in the order of the table", () => {
  const finding = judge("zen", found("127.0.0.9", "127.0.0.2", "127.0.0.77"));
  assert.equal(finding.kind, "listed");
  assert.deepEqual(finding.kind === "listed" && finding.listings.map(({ name }) => name), ["sbl", "drop"]);
});

const errors: Readonly<Record<string, string>> = {
  "127.255.255.250": "key-refused",
  "127.255.255.251": "key-refused",
  "127.255.255.252": "bad-zone",
  "127.255.255.254": "open-resolver",
  "127.255.255.255": "quota",
  "127.0.1.255": "unexpected",
  "127.0.2.255": "unexpected",
  "127.0.0.1": "unexpected",
  "198.51.100.1": "unexpected",
};
for (const [code, reason] of Object.entries(errors)) {
  test(`${code} is trouble of ours (${reason}), never a listing, whatever comes with it`, () => {
    for (const list of spamhausLists) {
      assert.deepEqual(judge(list, found(code)), { kind: "error", reason });
      if (code.startsWith("127.255")) assert.equal(judge(list, found("127.0.0.2", code)).kind, "error");
    }
  });
}

test("no answer is trouble, and no record is a clear name", () => {
  assert.deepEqual(judge("zen", { kind: "failed", reason: "ETIMEOUT" }), {
    kind: "error",
    reason: "timeout",
  });
  assert.deepEqual(judge("zen", { kind: "failed", reason: "ESERVFAIL" }), {
    kind: "error",
    reason: "server-failure",
  });
  for (const kind of ["none", "no-domain"] as const) assert.equal(judge("dbl", { kind }).kind, "clear");
});
