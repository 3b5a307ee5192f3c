import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";

import { ownPlaces } from "./own-places.ts";

const ownIps = (): string[] => ["192.0.2.5", "2001:db8::5"];
const isOwn = (address: string, ip: string, port = 25): boolean =>
  ownPlaces([{ address, port: 25 }], port, ownIps)?.(ip) ?? false;

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
  assert.equal(ownPlaces([{ address: "/run/mail.sock", port: 25 }], 25, ownIps), null);
});

test("the machine is asked once for all addresses of a host, and not at all where that cannot matter", () => {
  let asked = 0;
  const count = (): string[] => {
    asked++;
    return ownIps();
  };
  const isOurs = ownPlaces([{ address: "::", port: 25 }], 25, count);
  const addresses = Array.from({ length: 20 }, (_, i) => `192.0.2.${i + 1}`);
  assert.deepEqual(
    addresses.filter((ip) => isOurs?.(ip)),
    ["192.0.2.5"],
  );
  assert.equal(asked, 1);
  ownPlaces([{ address: "::", port: 2525 }], 25, count)?.("192.0.2.5");
  ownPlaces([{ address: "0.0.0.0", port: 25 }], 25, count)?.("2001:db8::5");
  assert.equal(asked, 1);
});

test("the machine's own addresses are asked for where nobody names them", () => {
  const [ip = ""] = Object.values(networkInterfaces()).flatMap((those = []) =>
    those.map((one) => one.address),
  );
  assert.ok(ownPlaces([{ address: "::", port: 25 }], 25)?.(ip));
});
