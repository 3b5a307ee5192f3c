/** DANE, MTA-STS, REQUIRETLS and reports against real TLS servers, a DNS server of our own and a real HTTPS server. */
import assert from "node:assert/strict";
import { X509Certificate, createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, after, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { makeCertificate } from "../../testing/certificates.ts";
import { CourierRig } from "../../testing/courier-rig.ts";
import { DnsServer, type DnsTable } from "../../testing/dns-server.ts";
import { FakeResolver, type FakeZone } from "../../testing/fake-resolver.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { TrustedServers } from "../dns/validated-resolver.ts";
import { StsPolicies } from "./sts-policies.ts";
import { TlsReports } from "./tls-reports.ts";
import { TlsRules } from "./tls-rules.ts";
import { TlsSessions } from "./tls-sessions.ts";
import type { TransportSettings } from "./transport.ts";

const folder = mkdtempSync(join(tmpdir(), "secure-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const certificate = makeCertificate(folder, "mx.example.net");
const ca = readFileSync(certificate.ca, "utf8");
const leaf = new X509Certificate(certificate.pem.cert);

const zones: Record<string, FakeZone> = {
  "example.net": { mx: [[10, "mx.example.net"]] },
  "mx.example.net": { a: ["127.0.0.1"] },
  "mta-sts.example.net": { a: ["127.0.0.1"] },
};

function tlsa(usage: number, selector: number, matching: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([usage, selector, matching]), data]);
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function keyOf(from: X509Certificate): Buffer {
  return from.publicKey.export({ type: "spki", format: "der" });
}

interface Case {
  readonly settings: Partial<TransportSettings>;
  /** Zone for the validating server; by default all names are signed. */
  readonly signed?: (port: number) => DnsTable;
  readonly policy?: string | null;
  readonly withTls?: boolean;
  readonly serverPem?: { key: string; cert: string };
  readonly requireTls?: boolean;
  readonly tlsOptional?: boolean;
}

async function deliver(
  t: TestContext,
  asked: Case,
): Promise<{ said: string; sink: MailSink; reports: TlsReports }> {
  const { settings, signed, policy = null, withTls = true } = asked;
  const sink = await MailSink.start(withTls ? { tls: asked.serverPem ?? certificate.pem } : {});
  t.after(() => sink.stop());
  const dns = await DnsServer.start(signed?.(sink.port) ?? {});
  t.after(() => dns.stop());
  const web = createServer(certificateFor(folder, "mta-sts.example.net"), (request, response) => {
    response.writeHead(policy === null || request.url !== "/.well-known/mta-sts.txt" ? 404 : 200, {
      "content-type": "text/plain",
    });
    response.end(policy ?? "");
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  t.after(() => web.close());
  const announced = policy === null ? {} : { "_mta-sts.example.net": { txt: ["v=STSv1; id=1;"] } };
  const policies = new StsPolicies({
    clock: systemClock,
    resolver: new FakeResolver({ ...zones, ...announced }),
    isForbidden: () => false,
    port: (web.address() as AddressInfo).port,
    ca: readFileSync(join(folder, "mta-sts.example.net.ca.crt"), "utf8"),
  });
  t.after(() => policies.close());
  const validated = new TrustedServers({ clock: systemClock, servers: [dns.address], timeoutMs: 60_000 });
  const reports = new TlsReports(systemClock, () => ({ organization: "us", contact: "postmaster@us" }));
  const rig = new CourierRig(0, {
    zones,
    forbidLocal: false,
    settings: { server: null, port: sink.port, ca, ...settings },
    tls: {
      clock: systemClock,
      rules: new TlsRules({ validated: () => (signed === undefined ? null : validated), policies }),
      sessions: new TlsSessions(systemClock),
      reports,
    },
  });
  t.after(() => rig.courier.close(0));
  const mail = { requireTls: asked.requireTls ?? false, tlsOptional: asked.tlsOptional ?? false };
  const [said = ""] = await rig.deliver(mail);
  return { said, sink, reports };
}

const made = new Map<string, { key: string; cert: string }>();

function certificateFor(where: string, name: string): { key: string; cert: string } {
  const known = made.get(name) ?? makeCertificate(where, name).pem;
  made.set(name, known);
  return known;
}

const signedZone =
  (records: readonly Buffer[], change: DnsTable = {}) =>
  (port: number): DnsTable => ({
    "example.net": { mx: [[10, "mx.example.net"]], isAuthentic: true },
    "mx.example.net": { a: ["127.0.0.1"], isAuthentic: true },
    ...(records.length === 0
      ? {}
      : { [`_${port}._tcp.mx.example.net`]: { tlsa: records, isAuthentic: true } }),
    ...change,
  });

const dane = { tlsMode: "dane", ca: null } as const;

test("a certificate that a TLSA record names is good, by its key, its hash or whole", async (t) => {
  const records = [
    tlsa(3, 1, 1, sha256(keyOf(leaf))),
    tlsa(3, 0, 1, sha256(leaf.raw)),
    tlsa(3, 0, 0, leaf.raw),
  ];
  for (const record of records) {
    const { said, sink } = await deliver(t, { settings: dane, signed: signedZone([record]) });
    assert.match(said, /^delivered/);
    assert.equal(sink.received[0]?.isSecure, true);
  }
});

test("an authority that a TLSA record names vouches for the host, and for its name", async (t) => {
  const authority = new X509Certificate(ca);
  const pem = { key: certificate.pem.key, cert: certificate.pem.cert + ca };
  const signed = signedZone([tlsa(2, 0, 1, sha256(authority.raw))]);
  assert.match((await deliver(t, { settings: dane, signed, serverPem: pem })).said, /^delivered/);
  const other = certificateFor(folder, "other.example");
  const otherCa = readFileSync(join(folder, "other.example.ca.crt"), "utf8");
  const named = signedZone([tlsa(2, 0, 1, sha256(new X509Certificate(otherCa).raw))]);
  const wrong = { key: other.key, cert: other.cert + otherCa };
  const { said, reports } = await deliver(t, { settings: dane, signed: named, serverPem: wrong });
  assert.match(said, /^deferred 4\.7\.5 .*another name/);
  assert.match(JSON.stringify(reports.reports(reports.days()[0] ?? "")), /certificate-host-mismatch/);
});

test("a server that is named is asked for its records itself, without a word of the domain", async (t) => {
  const server = "mx.example.net";
  const bare = { "example.net": { a: ["127.0.0.1"] } };
  const good = signedZone([tlsa(3, 1, 1, sha256(keyOf(leaf)))], bare);
  const wrong = signedZone([tlsa(3, 1, 1, Buffer.alloc(32))], bare);
  const settings = { ...dane, server };
  assert.match((await deliver(t, { settings, signed: good })).said, /^delivered/);
  assert.match((await deliver(t, { settings, signed: wrong })).said, /^deferred 4\.7\.5 /);
  const strict = { ...settings, tlsMode: "dane_require" } as const;
  assert.match((await deliver(t, { settings: strict, signed: good })).said, /^delivered/);
  assert.match((await deliver(t, { settings: strict, signed: signedZone([], bare) })).said, /no TLSA record/);
});

test("a certificate that no record names gets no mail, and no record of use asks for TLS alone", async (t) => {
  const wrong = signedZone([tlsa(3, 1, 1, Buffer.alloc(32))]);
  assert.match((await deliver(t, { settings: dane, signed: wrong })).said, /^deferred 4\.7\.5 /);
  const useless = signedZone([tlsa(1, 1, 1, Buffer.alloc(32))]);
  assert.match((await deliver(t, { settings: dane, signed: useless })).said, /^delivered/);
  assert.match(
    (await deliver(t, { settings: dane, signed: useless, withTls: false })).said,
    /^deferred 4\.7\.4 /,
  );
});

test("a host that is an alias has its TLSA records at the end of it, else at its own name", async (t) => {
  const good = tlsa(3, 1, 1, sha256(keyOf(leaf)));
  const wrong = tlsa(3, 1, 1, Buffer.alloc(32));
  const alias = { "mx.example.net": { cname: "real.example.org", isAuthentic: true } };
  const real = { "real.example.org": { a: ["127.0.0.1"], isAuthentic: true } };
  const at = (port: number, name: string, record: Buffer): DnsTable => ({
    [`_${port}._tcp.${name}`]: { tlsa: [record], isAuthentic: true },
  });
  const both = (port: number): DnsTable => ({
    ...signedZone([wrong], { ...alias, ...real })(port),
    ...at(port, "real.example.org", good),
  });
  assert.match((await deliver(t, { settings: dane, signed: both })).said, /^delivered/);
  const ownOnly = signedZone([wrong], { ...alias, ...real });
  assert.match((await deliver(t, { settings: dane, signed: ownOnly })).said, /^deferred 4\.7\.5 .*no TLSA/);
  // The alias leads out of the signed zone: what stands there counts for nothing, what stands here does.
  const unsigned = { "real.example.org": { a: ["127.0.0.1"] } };
  const leaving = (port: number): DnsTable => ({
    ...signedZone([good], { ...alias, ...unsigned })(port),
    ...at(port, "real.example.org", wrong),
  });
  const strict = { ...dane, tlsMode: "dane_require" } as const;
  assert.match((await deliver(t, { settings: strict, signed: leaving })).said, /^delivered/);
});

test("an authority at the end of an alias vouches for either name", async (t) => {
  const pem = { key: certificate.pem.key, cert: certificate.pem.cert + ca };
  const record = tlsa(2, 0, 1, sha256(new X509Certificate(ca).raw));
  const signed = (port: number): DnsTable => ({
    ...signedZone([], { "mx.example.net": { cname: "real.example.org", isAuthentic: true } })(port),
    "real.example.org": { a: ["127.0.0.1"], isAuthentic: true },
    [`_${port}._tcp.real.example.org`]: { tlsa: [record], isAuthentic: true },
  });
  const { said, sink } = await deliver(t, { settings: dane, signed, serverPem: pem });
  assert.match(said, /^delivered/);
  assert.equal(sink.received[0]?.isSecure, true);
});

test("records of a zone that is not signed count for nothing", async (t) => {
  const forged = tlsa(3, 1, 1, Buffer.alloc(32));
  const unsigned = signedZone([forged], { "example.net": { mx: [[10, "mx.example.net"]] } });
  assert.match((await deliver(t, { settings: dane, signed: unsigned })).said, /^delivered/);
  const strict = { ...dane, tlsMode: "dane_require" } as const;
  assert.match(
    (await deliver(t, { settings: strict, signed: unsigned })).said,
    /^deferred 4\.7\.5 .*no TLSA/,
  );
  const verified = { tlsMode: "dane_fallback_require_verify", ca: null } as const;
  assert.match(
    (await deliver(t, { settings: verified, signed: unsigned })).said,
    /^deferred 4\.7\.5 .*certificate/,
  );
});

test("answers that cannot be had let mail wait: they must not make it travel in the clear", async (t) => {
  const bogus = (port: number): DnsTable => ({
    ...signedZone([])(port),
    [`_${port}._tcp.mx.example.net`]: { code: 2 },
  });
  const { said, reports } = await deliver(t, { settings: dane, signed: bogus });
  assert.match(said, /^deferred 4\.7\.5 .*SERVFAIL/);
  assert.match(JSON.stringify(reports.reports(reports.days()[0] ?? "")), /dnssec-invalid/);
});

const policyText = (mode: string, mx: string): string =>
  `version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: 86400\n`;
const sts = { tlsMode: "optional", mtaSts: true } as const;

test("an enforced policy asks for a verified host, and for one that it names", async (t) => {
  const policy = policyText("enforce", "*.example.net");
  const good = await deliver(t, { settings: sts, policy });
  assert.match(good.said, /^delivered/);
  assert.equal(good.sink.received[0]?.isSecure, true);
  assert.match((await deliver(t, { settings: { ...sts, ca: null }, policy })).said, /^deferred 4\.7\.5 /);
  assert.match((await deliver(t, { settings: sts, policy, withTls: false })).said, /^deferred 4\.7\.4 /);
  const other = await deliver(t, { settings: sts, policy: policyText("enforce", "mx.example.com") });
  assert.match(other.said, /^deferred 4\.7\.5 .*does not name the host: mx\.example\.net/);
});

test("a policy in testing changes nothing but the report", async (t) => {
  const policy = policyText("testing", "mx.example.com");
  const { said, reports } = await deliver(t, { settings: { ...sts, ca: null }, policy });
  assert.match(said, /^delivered/);
  const [report] = reports.reports(reports.days()[0] ?? "");
  assert.equal(report?.["organization-name"], "us");
  const [found] = report?.policies ?? [];
  assert.deepEqual(found?.policy, {
    "policy-type": "sts",
    "policy-string": policy.trim().split("\n"),
    "policy-domain": "example.net",
    "mx-host": ["mx.example.com"],
  });
  assert.deepEqual(found?.summary, { "total-successful-session-count": 0, "total-failure-session-count": 1 });
  const [detail] = found?.["failure-details"] ?? [];
  assert.equal(detail?.["receiving-mx-hostname"], "mx.example.net");
  // No source address is configured: it is the one that the system has chosen.
  assert.equal(detail?.["sending-mta-ip"], "127.0.0.1");
});

test("a policy that is announced and cannot be fetched, or makes no sense, is reported, and mail goes on", async (t) => {
  const { said, reports } = await deliver(t, { settings: sts, policy: "this is no policy" });
  assert.match(said, /^delivered/);
  assert.match(JSON.stringify(reports.reports(reports.days()[0] ?? "")), /sts-policy-invalid/);
});

test("a policy stays in force while its record is suppressed, until it is too old", async (t) => {
  const clock = new ManualClock();
  const resolver = new FakeResolver({ ...zones, "_mta-sts.example.net": { txt: ["v=STSv1; id=7"] } });
  const web = createServer(certificateFor(folder, "mta-sts.example.net"), (_request, response) => {
    response.writeHead(200, { "content-type": "text/plain" }).end(policyText("enforce", "mx.example.net"));
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  t.after(() => web.close());
  const policies = new StsPolicies({
    clock,
    resolver,
    isForbidden: () => false,
    port: (web.address() as AddressInfo).port,
    ca: readFileSync(join(folder, "mta-sts.example.net.ca.crt"), "utf8"),
  });
  t.after(() => policies.close());
  assert.equal((await policies.find("example.net")).kind, "policy");
  resolver.zones.set("_mta-sts.example.net", { failed: true });
  clock.advance(86_399_000);
  assert.equal((await policies.find("example.net")).kind, "policy");
  clock.advance(2_000);
  assert.equal((await policies.find("example.net")).kind, "none");
});

test("a policy host whose address is our own is not asked", async (t) => {
  const policies = new StsPolicies({
    clock: systemClock,
    resolver: new FakeResolver({ ...zones, "_mta-sts.example.net": { txt: ["v=STSv1; id=7"] } }),
    isForbidden: () => true,
  });
  t.after(() => policies.close());
  assert.deepEqual(await policies.find("example.net"), {
    kind: "failed",
    result: "sts-policy-fetch-error",
    detail: "ENOTFOUND",
  });
});

test("mail that requires TLS goes to hosts only that a policy or a signed zone names", async (t) => {
  const settings = { tlsMode: "optional" } as const;
  const unknown = await deliver(t, { settings, requireTls: true });
  assert.match(unknown.said, /^failed 5\.7\.30 .*neither DNSSEC nor a policy/);
  // The sink does not promise REQUIRETLS itself, which is what is wrong once its name is known.
  const known = await deliver(t, {
    settings,
    requireTls: true,
    policy: policyText("testing", "mx.example.net"),
  });
  assert.match(known.said, /^failed 5\.7\.30 .*the host does not promise it/);
  const signed = await deliver(t, { settings, requireTls: true, signed: signedZone([]) });
  assert.match(signed.said, /^failed 5\.7\.30 .*the host does not promise it/);
});

test("mail that says it may go without TLS is not held back by what the domain asks, but by what we ask", async (t) => {
  const policy = policyText("enforce", "mx.example.net");
  const clear = { settings: { tlsMode: "dane", mtaSts: true }, withTls: false } as const;
  const held = await deliver(t, { ...clear, policy });
  assert.match(held.said, /^deferred 4\.7\./);
  const sent = await deliver(t, { ...clear, policy, tlsOptional: true });
  assert.match(sent.said, /^delivered /);
  const wrongKey = signedZone([tlsa(3, 1, 1, Buffer.alloc(32))]);
  const passed = await deliver(t, { settings: clear.settings, signed: wrongKey, tlsOptional: true });
  assert.match(passed.said, /^delivered /);
  const ours = await deliver(t, { settings: { tlsMode: "require" }, withTls: false, tlsOptional: true });
  assert.match(ours.said, /^deferred 4\.7\./);
});

test("mail that leaves policies aside is in no report, since nobody looked for any; other mail is", async (t) => {
  const policy = policyText("enforce", "mx.example.net");
  const settings = { tlsMode: "dane", mtaSts: true } as const;
  const counted = (reports: TlsReports): unknown =>
    reports
      .days()
      .flatMap((day) => reports.reports(day))
      .flatMap(({ policies }) =>
        policies.map(({ policy: { "policy-type": type }, summary }) => [type, summary]),
      );
  const aside = await deliver(t, { settings, policy, tlsOptional: true });
  assert.match(aside.said, /^delivered /);
  assert.deepEqual(counted(aside.reports), []);
  const clear = await deliver(t, { settings, policy, withTls: false, tlsOptional: true });
  assert.match(clear.said, /^delivered /);
  assert.deepEqual(counted(clear.reports), []);
  const wellSent = { "total-successful-session-count": 1, "total-failure-session-count": 0 };
  const usual = await deliver(t, { settings, policy });
  assert.deepEqual(counted(usual.reports), [["sts", wellSent]]);
  // Where the transport looks for no policy anyway, the wish changes nothing.
  const plain = await deliver(t, { settings: { tlsMode: "optional" }, tlsOptional: true });
  assert.deepEqual(counted(plain.reports), [["no-policy-found", wellSent]]);
});
