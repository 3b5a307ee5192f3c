/** What the rules make of each mixture of answers about a host's addresses; the rest is in secure.test.ts, on real servers. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { type ServerAnswer, failed } from "../dns/question.ts";
import { TlsRules } from "./tls-rules.ts";
import { defaultTransport } from "./transport.ts";

const answer = (kind: ServerAnswer["kind"], change: Partial<ServerAnswer> = {}): ServerAnswer => ({
  ...failed(""),
  kind,
  isAuthentic: kind !== "failed",
  owner: "mx.example.net",
  ...change,
});
const unsigned = { isAuthentic: false };

/** The rule for a host of a signed MX record that has no TLSA record. */
async function ruleFor(a: ServerAnswer, aaaa: ServerAnswer): Promise<string> {
  const answers: Readonly<Record<string, ServerAnswer>> = { MX: answer("found"), A: a, AAAA: aaaa };
  const validated = { ask: async (_: string, type: string) => answers[type] ?? answer("none") };
  const rules = new TlsRules({ validated: () => validated, policies: null });
  const route = { kind: "mx", domain: "example.net", port: 25 } as const;
  const { forHost } = await rules.forRoute(route, { ...defaultTransport, tlsMode: "dane" });
  const rule = await forHost({ name: "mx.example.net", port: 25, isTrusted: false });
  return rule.kind === "use" ? rule.demand.mode : rule.trouble;
}

test("an address that is bogus puts mail off, also where the host has none of the other family", async () => {
  const bogus = failed("SERVFAIL");
  for (const other of [answer("none"), answer("none", unsigned), answer("no-domain"), bogus]) {
    assert.equal(await ruleFor(bogus, other), "dane-failed");
    assert.equal(await ruleFor(other, bogus), "dane-failed");
  }
});

test("servers that cannot answer for one family keep no mail from hosts whose other address is known", async () => {
  const silent = failed("no answer in time");
  for (const known of [answer("found"), answer("found", unsigned)]) {
    assert.equal(await ruleFor(known, silent), "optional");
    assert.equal(await ruleFor(silent, known), "optional");
  }
});
