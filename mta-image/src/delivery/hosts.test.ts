import assert from "node:assert/strict";
import { test } from "node:test";

import type { ExchangerChoice } from "../queue/courier.ts";
import { type Hosts, withoutUnwanted } from "./hosts.ts";

const hosts: Hosts = {
  kind: "hosts",
  hosts: ["mx1.google.example", "MX2.google.example", "backup.other.example"].map((name) => ({
    name,
    port: 25,
    isTrusted: false,
  })),
};
const mx = { kind: "mx", domain: "a.example", port: 25 } as const;

function left(include: readonly string[], exclude: readonly string[]): readonly string[] | string {
  const found = withoutUnwanted(hosts, { include, exclude }, mx);
  return found.kind === "hosts" ? found.hosts.map(({ name }) => name) : found.detail;
}

test("a script chooses among the mail exchangers of a domain by name", () => {
  assert.deepEqual(left(["*.google.example"], []), ["mx1.google.example", "MX2.google.example"]);
  assert.deepEqual(left([], ["mx2.google.example"]), ["mx1.google.example", "backup.other.example"]);
  assert.deepEqual(left(["mx*"], ["mx1*"]), ["MX2.google.example"]);
  assert.deepEqual(left(["backup.other.example"], []), ["backup.other.example"]);
});

test("when none is left, mail is not tried elsewhere and the reason says why", () => {
  assert.equal(
    left(["*.nobody.example"], []),
    "no mail exchanger of a.example is left by mx_include and mx_exclude",
  );
});

test("servers that are named stay, and so does everything without a wish", () => {
  const choice: ExchangerChoice = { include: ["x"], exclude: [] };
  assert.equal(withoutUnwanted(hosts, choice, { kind: "hosts", hosts: hosts.hosts }), hosts);
  assert.equal(withoutUnwanted(hosts, undefined, mx), hosts);
});
