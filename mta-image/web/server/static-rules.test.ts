import assert from "node:assert/strict";
import { test } from "node:test";

import { staticRules } from "./static-rules.ts";

test("each condition of a file is a line with its place, what it goes by and what it limits", () => {
  const files = {
    "smtpd-policy.yaml": `policies:
  - fields: [transportid, { recipientdomain: ["*.test"] }]
    conditions: [{ if: { recipientdomain: a.test }, then: { rate: 10/60, tag: slow } }]
    default: { concurrency: 5 }
`,
    "smtpd-suspend.yaml": "suspends: [{ localip: 192.0.2.1, tag: away, properties: { a: 1 } }]",
  };
  assert.deepEqual(staticRules(files), [
    {
      kind: "policy",
      place: "policies[0].conditions[0]",
      fields: ["transportid", `{"recipientdomain":["*.test"]}`],
      match: ["recipientdomain = a.test"],
      limits: ["rate = 10/60", "tag = slow"],
    },
    {
      kind: "policy",
      place: "policies[0].default",
      fields: ["transportid", `{"recipientdomain":["*.test"]}`],
      match: [],
      limits: ["concurrency = 5"],
    },
    {
      kind: "suspension",
      place: "suspends[0]",
      fields: [],
      match: ["localip = 192.0.2.1"],
      limits: ["tag = away", `properties = {"a":1}`],
    },
  ]);
});

test("what is no file of rules has none", () => {
  for (const text of ["", "{}", "a: [", "policies: 1", "[]", "null", "policies: [1]"])
    assert.deepEqual(staticRules({ "smtpd-policy.yaml": text, "smtpd-suspend.yaml": text }), []);
});
