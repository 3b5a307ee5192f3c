import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { test } from "node:test";

import { namedBy, peerOf } from "./peer.ts";

test("a client of TCP that is gone before it could be asked who it is is nobody, and no client of a UNIX socket", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [[served]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [
    [Socket],
    unknown,
  ];
  served.resume().on("error", () => {});
  client.resetAndDestroy();
  await new Promise((resolve) => served.once("close", resolve));
  assert.equal(served.remoteAddress, undefined);
  assert.equal(peerOf(served, "tcp"), null);
  assert.deepEqual(peerOf(served, "unix"), { ip: "", port: 0, isLocal: true, proxyIp: null, proxyTlv: null });
  server.close();
});

test("the client of a TCP connection is not local, whatever its address", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [served] = (await once(server, "connection")) as [Socket];
  const peer = peerOf(served, "tcp");
  assert.deepEqual([peer?.ip, peer?.isLocal], ["127.0.0.1", false]);
  served.destroy();
  client.destroy();
  server.close();
});

test("an IPv4 client that a proxy names in IPv6 form is known by its address", () => {
  const proxy = { ip: "10.0.0.1", port: 1, isLocal: false, proxyIp: null, proxyTlv: null };
  for (const ip of ["::ffff:c000:201", "::FFFF:192.0.2.1", "192.0.2.1"])
    assert.equal(namedBy(proxy, { ip, port: 2, tlvs: null }).ip, "192.0.2.1");
});
