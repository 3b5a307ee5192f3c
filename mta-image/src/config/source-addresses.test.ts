import assert from "node:assert/strict";
import { test } from "node:test";

import { parseEngineConfig } from "#contract/config.ts";

import { transportSources } from "./source-addresses.ts";

function parse(sourceip: object): ReturnType<typeof parseEngineConfig> {
  const transports = [{ id: "out" }];
  const app = {
    servers: [{ id: "in", transport: "out" }],
    addresses: [{ id: "a", address: "192.0.2.1" }],
    transportgroups: [{ id: "g", connection: { sourceip }, transports }],
  };
  return parseEngineConfig({
    startup: "servers: [{ id: in, listeners: [{ port: 25 }] }]",
    app: JSON.stringify(app),
  });
}

function made(sourceip: object): unknown[] {
  const parsed = parse(sourceip);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const { addresses, transportgroups } = parsed.value.app;
  const { sourceIps, onlyFamily } = transportSources(addresses, transportgroups[0]?.connection?.sourceip);
  return [sourceIps, onlyFamily];
}

function refused(sourceip: object): string {
  const parsed = parse(sourceip);
  assert.ok(!parsed.ok);
  return parsed.problems.map(({ path, reason }) => `${path}: ${reason}`).join("\n");
}

test("false leaves a family out; the addresses of the other are the system's choice or those that are named", () => {
  assert.deepEqual(made({}), [[], null]);
  assert.deepEqual(made({ ipv6: false }), [[], 4]);
  assert.deepEqual(made({ ipv4: false }), [[], 6]);
  assert.deepEqual(made({ ipv4: ["a", "192.0.2.9"], ipv6: false }), [["192.0.2.1", "192.0.2.9"], 4]);
  assert.deepEqual(made({ ipv4: false, ipv6: ["2001:db8::1"] }), [["2001:db8::1"], 6]);
  assert.deepEqual(made({ ipv4: ["a"], ipv6: ["2001:db8::1"] }), [["192.0.2.1", "2001:db8::1"], null]);
});

test("no family at all, and anything but a list or false, is refused", () => {
  assert.equal(
    refused({ ipv4: false, ipv6: false }),
    "transportgroups[0]: sourceip.ipv4 and sourceip.ipv6 are both false: no host could be reached",
  );
  assert.match(
    refused({ ipv6: true }),
    /^transportgroups\[0\]\.connection\.sourceip\.ipv6: must be a list of addresses, or false/,
  );
  assert.match(refused({ ipv4: ["b"], ipv6: false }), /there is no address "b"/);
});
