import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";

import { isOwnPlace } from "./own-places.ts";

const ownIps = (): string[] => ["192.0.2.5", "2001:db8::5"];
const isOwn = (address: string, ip: string, port = 25): boolean =>
  isOwnPlace([{ address, port: 25 }], { ip, port }, ownIps);

test("a listener on an address is found there and at its port only", () => {
  assert.ok(isOwn("192.0.2.9", "192.0.2.9"));
  assert.ok(isOwn("192.0.2.9", "::ffff:192.0.2.9"));
  assert.ok(!isOwn("192.0.2.9", "192.0.2.9", 587));
  assert.ok(!isOwn("192.0.2.9", "192.0.2.5"));
});

test("one on all addresses is found at each that the machine has, of its family", () => {
  assert.ok(isOwn("0.0.0.0", "192.0.2.5"));
  assert.ok(!isOwn("0.0.0.0", "2001:db8::5"));
  assert.ok(isOwn("::", "2001:db8::5"));
  assert.ok(isOwn("::", "192.0.2.5"));
  assert.ok(!isOwn("::", "192.0.2.6"));
});

test("an address is the same however it is written", () => {
  assert.ok(isOwn("2001:DB8:0:0::9", "2001:db8::9"));
  assert.ok(isOwn("2001:db8::9", "2001:DB8:0::9"));
  assert.ok(isOwn("0:0:0:0:0:0:0:0", "192.0.2.5"));
  assert.ok(isOwn("0.0.0.0", "::ffff:c000:205"));
});

test("a path is no place of the network", () => {
  assert.ok(!isOwnPlace([{ address: "/run/mail.sock", port: 25 }], { ip: "192.0.2.5", port: 25 }, ownIps));
});

test("the machine's own addresses are asked for where nobody names them", () => {
  const [ip = ""] = Object.values(networkInterfaces()).flatMap((those = []) =>
    those.map((one) => one.address),
  );
  assert.ok(isOwnPlace([{ address: "::", port: 25 }], { ip, port: 25 }));
});
