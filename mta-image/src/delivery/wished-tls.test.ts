/** What a script wants of one attempt: its TLS, its addresses, its domain. Real sockets and certificates. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { makeCertificate } from "../../testing/certificates.ts";
import { CourierRig } from "../../testing/courier-rig.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import type { AttemptWish, Outcome } from "../queue/courier.ts";
import type { TlsChoice } from "../smtp/tls-choice.ts";
import { plainTls } from "./tls-tools.ts";
import { systemClock } from "#base/clock.ts";
import type { TlsRules } from "./tls-rules.ts";

const folder = mkdtempSync(join(tmpdir(), "wished-"));
/** Good, and for neither the name nor the address that the sink is reached by. */
const certificate = makeCertificate(folder, "mx.example.net", { address: "192.0.2.1" });
const ca = readFileSync(certificate.ca, "utf8");
let sink: MailSink;
before(async () => {
  sink = await MailSink.start({ tls: certificate.pem });
});
after(async () => {
  await sink.stop();
  rmSync(folder, { recursive: true, force: true });
});

const nothing: TlsChoice = {
  serverName: null,
  verifyHost: null,
  defaultCa: null,
  versions: null,
  verifyNames: null,
  ciphers: null,
  certificate: null,
};
const usual: AttemptWish = {
  key: "k",
  transportId: null,
  server: null,
  port: null,
  sources: [],
  tlsMode: "require_verify",
};

async function outcome(
  wish: Partial<AttemptWish>,
  options: ConstructorParameters<typeof CourierRig>[1] = {},
  mail: { readonly requireTls?: boolean } = {},
): Promise<Outcome> {
  const rig = new CourierRig(sink.port, { ...options, settings: { ca, ...options.settings } });
  try {
    const [first] = await rig.outcomes({ ...mail, wish: { ...usual, ...wish }, isWatched: true });
    return first as Outcome;
  } finally {
    await rig.courier.close(0);
  }
}

const secured = ({ via }: Outcome): string => via?.reached.tls?.description ?? "in the clear";

test("tls_verify_host false takes a good certificate for another name, and no bad one", async () => {
  assert.equal((await outcome({})).kind, "deferred");
  assert.equal((await outcome({ tls: { ...nothing, verifyHost: false } })).kind, "delivered");
  const stranger = { settings: { ca: null } };
  assert.equal((await outcome({ tls: { ...nothing, verifyHost: false } }, stranger)).kind, "deferred");
});

test("tls_verify_name wants one of its names on the certificate, in place of the host's", async () => {
  const verifyNames = ["other.example", "mx.example.net"];
  assert.equal((await outcome({ tls: { ...nothing, verifyNames } })).kind, "delivered");
  assert.equal((await outcome({ tls: { ...nothing, verifyNames: [".example.net"] } })).kind, "delivered");
  assert.equal(
    (await outcome({ tls: { ...nothing, verifyNames: [".net", ".mx.example.net"] } })).kind,
    "deferred",
  );
  const wrong = await outcome({ tls: { ...nothing, verifyNames: ["other.example"], verifyHost: false } });
  assert.equal(wrong.kind, "deferred");
  assert.match(wrong.reply, /ERR_TLS_CERT_ALTNAME_INVALID/);
});

test("tls_ciphers bounds what is agreed on", async () => {
  const versions = { lowest: "TLSv1.2", highest: "TLSv1.2" } as const;
  for (const ciphers of [
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
    "AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384",
  ]) {
    const agreed = secured(await outcome({ tlsMode: "require", tls: { ...nothing, versions, ciphers } }));
    assert.ok(
      ciphers.split(":").some((one) => agreed === `TLSv1.2 ${one}`),
      agreed,
    );
  }
});

test("tls_client_cert is shown to a host that asks", async () => {
  const client = makeCertificate(mkdtempSync(join(folder, "client-")), "client.example.net");
  const shown: string[] = [];
  const asking = await MailSink.start({
    tls: { ...certificate.pem, requestCert: true, rejectUnauthorized: false },
    onCertificate: (name) => shown.push(name),
  });
  const server = `127.0.0.1:${asking.port}`;
  const wish = { server, tlsMode: "require" };
  assert.equal((await outcome({ ...wish, tls: { ...nothing, certificate: client.pem } })).kind, "delivered");
  assert.equal((await outcome(wish)).kind, "delivered");
  assert.deepEqual(shown, ["client.example.net", ""]);
  await asking.stop();
});

test("tls_default_ca adds authorities and takes none away", async () => {
  const tls = { ...nothing, verifyHost: false, defaultCa: true };
  assert.equal((await outcome({ tls })).kind, "delivered");
});

test("tls_protocols bounds the version", async () => {
  const versions = { lowest: "TLSv1.2", highest: "TLSv1.2" } as const;
  assert.match(secured(await outcome({ tlsMode: "require", tls: { ...nothing, versions } })), /^TLSv1\.2 /);
  assert.match(secured(await outcome({ tlsMode: "require" })), /^TLSv1\.3 /);
});

test("tls_sni asks for another name, while the certificate is for the host's", async () => {
  const asked: string[] = [];
  const other = await MailSink.start({ tls: certificate.pem, onServerName: (name) => asked.push(name) });
  const server = `127.0.0.1:${other.port}`;
  const named = await outcome({
    server,
    tlsMode: "require",
    tls: { ...nothing, serverName: "front.example" },
  });
  assert.equal(named.kind, "delivered");
  const verified = await outcome({ server, tls: { ...nothing, serverName: "mx.example.net" } });
  assert.equal(verified.kind, "deferred");
  assert.match(verified.reply, /ERR_TLS_CERT_ALTNAME_INVALID/);
  await other.stop();
  // The second one is left before the server knows that its handshake is over.
  assert.deepEqual(asked.slice(0, 1), ["front.example"]);
});

test("recipientdomain uses the mail exchangers of another domain, and the address stays", async () => {
  sink.received.length = 0;
  const zones = {
    "other.example": { mx: [[10, "mx.other.example"] as const] },
    "mx.other.example": { a: ["127.0.0.1"] },
  };
  const settings = { server: null, port: sink.port };
  const taken = await outcome(
    { tlsMode: "disabled", domain: "other.example" },
    { zones, settings, forbidLocal: false },
  );
  assert.equal(taken.kind, "delivered");
  assert.deepEqual(sink.received[0]?.recipients, ["ann@example.net"]);
  assert.equal(taken.via?.reached.host, "mx.other.example");
});

test("sources in order: the first that fits the host is used", async () => {
  const sources = ["::1", "127.0.0.5", "127.0.0.6", "127.0.0.7"].map((ip) => ({ ip, helo: null }));
  const ordered = await outcome({ tlsMode: "disabled", sources, isSourceOrdered: true });
  assert.equal(ordered.via?.reached.localIp, "127.0.0.5");
  const any = await outcome({ tlsMode: "disabled", sources });
  assert.equal(any.via?.reached.localIp, "127.0.0.6");
});

test("a policy of the domain is not made weaker", async () => {
  const policy = { type: "sts", lines: [], hosts: ["127.0.0.1"], isTested: false } as const;
  const demand = { mode: "require_verify", tlsa: null, policy } as const;
  const rules = {
    forRoute: async () => ({ fault: null, forHost: async () => ({ kind: "use", demand }) }),
  } as unknown as TlsRules;
  const tls = { ...plainTls(systemClock), rules };
  const named = await outcome({ tls: { ...nothing, verifyNames: ["mx.example.net"] } }, { tls });
  assert.equal(named.kind, "deferred");
  const refused = await outcome({ tls: { ...nothing, verifyHost: false } }, { tls });
  assert.equal(refused.kind, "deferred");
  assert.match(refused.reply, /ERR_TLS_CERT_ALTNAME_INVALID/);
});
