/** What scripts hear of a connection from those in front of it: the proxy, and the client's TLS. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createSecureContext } from "node:tls";

import { Lines } from "../../testing/dialogue.ts";
import { hooksOf } from "../../testing/hook-scripts.ts";
import { buildNative } from "../../testing/native-plugins.ts";
import { Receiver, type ReceiverOptions, withReceiver } from "../../testing/receiver.ts";
import { addonBesideEngine, loadNative } from "../plugins/native.ts";
import { makeNetworks } from "../net/networks.ts";

const read = (name: string): string =>
  readFileSync(new URL(`../session/testdata/${name}`, import.meta.url), "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });

const hooks = hooksOf({
  connect: `Accept(["reason" => $arguments["proxyip"] . " " . ($arguments["proxytlv"] ?? "none")]);`,
});
/** Version 2, from 192.0.2.1 to 198.51.100.1. */
const header = (tlvs: string): Buffer =>
  Buffer.from(
    `0d0a0d0a000d0a515549540a2111${(12 + tlvs.length / 2).toString(16).padStart(4, "0")}c0000201c63364019c400019${tlvs}`,
    "hex",
  );

for (const [what, tlvs, heard] of [
  ["what the proxy adds to its header, as digits", "0400020102", "0400020102"],
  ["nothing of it where the proxy adds nothing", "", "none"],
] as const) {
  test(`connect hears ${what}`, () =>
    withReceiver({ settings: { hooks, proxyNetworks: makeNetworks(["127.0.0.0/8"]) } }, async (receiver) => {
      const client = await receiver.connect();
      client.socket.write(header(tlvs));
      assert.equal(await client.reply(), `220 127.0.0.1 ${heard}`);
      client.socket.destroy();
    }));
}

for (const [what, name, heard] of [
  ["the name that the client asks for", "mx.example.org", "mx.example.org"],
  ["no name where it asks for none", undefined, "none"],
] as const) {
  test(`scripts after TLS hear ${what}`, () =>
    withReceiver(
      {
        tls,
        settings: {
          hooks: hooksOf({ helo: `if ($connection["tls"]) Reject($connection["tls"]["sni"] ?? "none");` }),
        },
      },
      async (receiver) => {
        const plain = await receiver.greeted();
        assert.match(await plain.ask("STARTTLS"), /^220 /);
        plain.socket.removeAllListeners("data");
        const socket = connectTls({
          socket: plain.socket,
          rejectUnauthorized: false,
          ...(name === undefined ? {} : { servername: name }),
        });
        await new Promise<void>((resolve, reject) =>
          socket.once("secureConnect", resolve).once("error", reject),
        );
        assert.equal(await new Lines(socket).ask("EHLO client.example.org"), `554 5.7.1 ${heard}`);
        socket.destroy();
      },
    ));
}

test("scripts of a client that XCLIENT names hear of the TLS that it speaks through", () =>
  withReceiver(
    {
      tls,
      settings: {
        xclientNetworks: makeNetworks(["127.0.0.0/8"]),
        hooks: hooksOf({
          helo: `if ($arguments["host"] == "named") Reject($connection["remoteip"] . " " . $connection["tls"]["protocol"]);`,
        }),
      },
    },
    async (receiver) => {
      const plain = await receiver.greeted();
      assert.match(await plain.ask("STARTTLS"), /^220 /);
      plain.socket.removeAllListeners("data");
      const socket = connectTls({ socket: plain.socket, rejectUnauthorized: false });
      await new Promise<void>((resolve, reject) =>
        socket.once("secureConnect", resolve).once("error", reject),
      );
      const client = new Lines(socket);
      await client.ask("EHLO proxy.example.org");
      assert.match(await client.ask("XCLIENT ADDR=192.0.2.1"), /^220 /);
      assert.equal(await client.ask("EHLO named"), "554 5.7.1 192.0.2.1 TLSv1.3");
      socket.destroy();
    },
  ));

/** What a script at the second EHLO hears of the client's certificate. */
async function heardOf(
  options: ReceiverOptions["settings"],
  shown: { readonly key?: string; readonly cert?: string },
): Promise<string> {
  const script = `$c = $connection["tls"]["peercert"]; if ($connection["tls"]) Reject($c ?
    X509($c["x509"])->subject()[0][1] . " " . $c["error"] . " " . length($c["chain"]) : "none");`;
  const receiver = await Receiver.start({ tls, settings: { hooks: hooksOf({ helo: script }), ...options } });
  try {
    const plain = await receiver.greeted();
    assert.match(await plain.ask("STARTTLS"), /^220 /);
    plain.socket.removeAllListeners("data");
    const socket = connectTls({ socket: plain.socket, rejectUnauthorized: false, ...shown });
    await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    const reply = await new Lines(socket).ask("EHLO client.example.org");
    socket.destroy();
    await receiver.untilIdle();
    return reply;
  } finally {
    await receiver.close();
  }
}

const shown = { cert: read("test-cert.pem"), key: read("test-key.pem") };

test("scripts hear of a client's certificate, and why nobody vouches for it, where servers ask for one", async () => {
  // 18: X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT.
  assert.equal(await heardOf({ asksForCertificate: true }, shown), "554 5.7.1 mx.example.org 18 0");
});

test("a client without a certificate is served where servers ask for one", async () => {
  assert.equal(await heardOf({ asksForCertificate: true }, {}), "554 5.7.1 none");
});

test("no certificate is asked for where the server does not say so", async () => {
  assert.equal(await heardOf({}, shown), "554 5.7.1 none");
});

/** What a script at connect hears of the user at the other end. */
async function uidHeard(script: string, isUnix: boolean): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "uid-"));
  const { peerUid } = loadNative(addonBesideEngine());
  const path = join(folder, "smtp");
  const receiver = await Receiver.start({
    settings: { hooks: hooksOf({ connect: script }) },
    peerUid,
    ...(isUnix ? { path } : {}),
  });
  try {
    const client = isUnix ? new Lines(connect({ path })) : await receiver.connect();
    const greeting = await client.reply();
    client.socket.destroy();
    await receiver.untilIdle();
    return greeting;
  } finally {
    await receiver.close();
    rmSync(folder, { recursive: true });
  }
}

const both = `Reject(json_encode([$arguments["remoteuid"], $connection["remoteuid"]]));`;

test("scripts hear whose process is at the other end of a UNIX socket", async () => {
  buildNative();
  const uid = process.getuid?.() ?? -1;
  assert.equal(await uidHeard(both, true), `521 5.7.1 [${uid},${uid}]`);
});

test("nobody's user is heard of a TCP connection", async () => {
  buildNative();
  assert.equal(await uidHeard(both, false), "521 5.7.1 [null,null]");
});
