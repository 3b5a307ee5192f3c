import assert from "node:assert/strict";
import { test } from "node:test";

import { parseServers, planRoute } from "./route.ts";

const servers: readonly (readonly [string, string])[] = [
  ["mx.example.net", "mx.example.net:25"],
  ["MX.Example.NET.", "mx.example.net:25"],
  ["mx.example.net:587", "mx.example.net:587"],
  ["192.0.2.1", "192.0.2.1:25"],
  ["[192.0.2.1]:2525", "192.0.2.1:2525"],
  ["2001:db8::1", "2001:db8::1:25"],
  ["[2001:db8::1]:26", "2001:db8::1:26"],
  ["[IPv6:2001:db8::1]", "2001:db8::1:25"],
  ["a.example, b.example:26", "a.example:25 b.example:26"],
];

for (const [text, wanted] of servers) {
  test(`the server setting "${text}" means ${wanted}`, () => {
    const parsed = parseServers(text, 25);
    assert.ok("hosts" in parsed);
    assert.equal(parsed.hosts.map(({ name, port }) => `${name}:${port}`).join(" "), wanted);
    assert.ok(parsed.hosts.every(({ isTrusted }) => isTrusted));
  });
}

for (const text of [
  "",
  " , ",
  "a b:c",
  "host:0",
  "host:65536",
  "[not-an-ip]",
  "http://x",
  "[192.0.2.1",
  "a:1:2",
]) {
  test(`the server setting "${text}" is refused`, () => assert.ok("problem" in parseServers(text, 25)));
}

test("without a server the domain decides, and an address literal is taken at its word but not trusted", () => {
  const settings = { server: null, port: 25 };
  assert.deepEqual(planRoute(settings, "Example.NET"), { kind: "mx", domain: "example.net", port: 25 });
  assert.deepEqual(planRoute(settings, "[192.0.2.1]"), {
    kind: "hosts",
    hosts: [{ name: "192.0.2.1", port: 25, isTrusted: false }],
  });
  assert.equal(planRoute(settings, "").kind, "none");
});
