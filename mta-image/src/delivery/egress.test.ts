import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { CourierRig } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { SocksProxy } from "../../testing/socks-proxy.ts";
import { sourceSettings } from "../config/source-addresses.ts";
import { readProxyHeader } from "../net/proxy-header.ts";
import { makeProxyHeader } from "../net/proxy-header-writer.ts";

let host: ScriptedHost;
let rigs: CourierRig[] = [];
beforeEach(async () => {
  host = await ScriptedHost.start();
});
afterEach(async () => {
  await Promise.all(rigs.map((rig) => rig.courier.close(0)));
  rigs = [];
  await host.stop();
});

type Addresses = Parameters<typeof sourceSettings>[0];

function rig(addresses: Addresses): CourierRig {
  const settings = sourceSettings(
    addresses,
    addresses.map(({ id }) => id),
  );
  const made = new CourierRig(host.port, { settings });
  rigs.push(made);
  return made;
}

test("mail leaves through a SOCKS5 proxy, with the name of its address", async (t) => {
  const proxy = await SocksProxy.start();
  t.after(() => proxy.stop());
  const made = rig([
    {
      id: "a",
      address: "192.0.2.10",
      hostname: "out1.example.org",
      weight: 1,
      proxy: { protocol: "socks5", server: `127.0.0.1:${proxy.port}` },
    },
  ]);
  assert.deepEqual(await made.deliver(), ["delivered 2.0.0 250 2.0.0 taken"]);
  assert.deepEqual(proxy.asked, [`127.0.0.1:${host.port}`]);
  assert.equal(host.lastPeer.replace("::ffff:", ""), "127.0.0.44");
  assert.equal(host.lines[0], "EHLO out1.example.org");
});

test("a SOCKS5 proxy is told the login it asks for, as its file says now", async (t) => {
  const proxy = await SocksProxy.start();
  const folder = mkdtempSync(join(tmpdir(), "egress-"));
  t.after(async () => {
    await proxy.stop();
    rmSync(folder, { recursive: true });
  });
  proxy.login = "mail:new secret";
  const passwordfile = join(folder, "password");
  writeFileSync(passwordfile, "old\n");
  const server = `127.0.0.1:${proxy.port}`;
  const login = { username: "mail", passwordfile };
  const made = rig([
    { id: "a", address: "192.0.2.10", weight: 1, proxy: { protocol: "socks5", server, login } },
  ]);
  const [refused = ""] = await made.deliver();
  assert.match(refused, /^deferred 4\.4\.1 .*proxy 127\.0\.0\.1:\d+: Socks5 Authentication failed/);
  assert.ok(!refused.includes("old"));
  writeFileSync(passwordfile, "new secret\n");
  assert.deepEqual(await made.deliver(), ["delivered 2.0.0 250 2.0.0 taken"]);
  rmSync(passwordfile);
  assert.match(
    (
      await rig([
        { id: "a", address: "192.0.2.10", weight: 1, proxy: { protocol: "socks5", server, login } },
      ]).deliver()
    )[0] ?? "",
    /^deferred 4\.4\.1 .*ENOENT/,
  );
});

test("a proxy that refuses, and one that is not there, defer mail and say who they are", async (t) => {
  const proxy = await SocksProxy.start();
  const server = `127.0.0.1:${proxy.port}`;
  const addresses = [
    { id: "a", address: "192.0.2.10", weight: 1, proxy: { protocol: "socks5" as const, server } },
  ];
  proxy.refuse = true;
  assert.match((await rig(addresses).deliver())[0] ?? "", /^deferred 4\.4\.1 .*proxy 127\.0\.0\.1/);
  await proxy.stop();
  t.after(() => proxy.stop());
  assert.match((await rig(addresses).deliver())[0] ?? "", /^deferred 4\.4\.1 Connection refused/);
});

test("addresses are used as often as their weights say, and turns alternate", () => {
  const { sourceIps } = sourceSettings(
    [
      { id: "a", address: "192.0.2.1", weight: 3 },
      { id: "b", address: "192.0.2.2", weight: 1 },
    ],
    ["a", "b", "192.0.2.9"],
  );
  assert.deepEqual(sourceIps, ["192.0.2.1", "192.0.2.2", "192.0.2.9", "192.0.2.1", "192.0.2.1"]);
});

test("a PROXY header that we write is one that we read", () => {
  const pairs = [
    ["192.0.2.1", "198.51.100.2"],
    ["2001:db8::1", "::ffff:1"],
    ["::", "2001:db8:1:2:3:4:5:6"],
    ["1::", "::1"],
  ] as const;
  for (const [from, to] of pairs) {
    const bytes = makeProxyHeader({ ip: from, port: 2525 }, { ip: to, port: 25 });
    const read = readProxyHeader(bytes);
    assert.ok(read !== null && read !== "invalid", from);
    assert.equal(read.end, bytes.length);
    assert.equal(canonical(read.source?.ip ?? ""), canonical(from));
    assert.equal(read.source?.port, 2525);
  }
});

function canonical(ip: string): string {
  return ip.includes(":") ? new URL(`http://[${ip}]`).hostname : ip;
}
