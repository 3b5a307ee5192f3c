/** TLS sessions that are taken up again, against real TLS servers: for whom they are, and what they say of the host. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { makeCertificate } from "../../testing/certificates.ts";
import { CourierRig } from "../../testing/courier-rig.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import type { StsPolicies } from "./sts-policies.ts";
import { TlsReports } from "./tls-reports.ts";
import { TlsRules } from "./tls-rules.ts";
import { type KeptSession, type Shown, TlsSessions } from "./tls-sessions.ts";
import type { TransportSettings } from "./transport.ts";

const folder = mkdtempSync(join(tmpdir(), "tls-sessions-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const certificate = makeCertificate(folder, "other.example");
const ca = readFileSync(certificate.ca, "utf8");

/** Notes for each handshake whether a session was there for it. */
function watched(): { sessions: TlsSessions; taken: boolean[] } {
  const sessions = new TlsSessions(systemClock);
  const taken: boolean[] = [];
  const find = sessions.find.bind(sessions);
  sessions.find = (key) => {
    const session = find(key);
    taken.push(session !== null);
    return session;
  };
  return { sessions, taken };
}

test("the next connection to a host takes the TLS session up again, but not for stricter mail", async (t) => {
  const sink = await MailSink.start({ tls: certificate.pem });
  t.after(() => sink.stop());
  const { sessions, taken } = watched();
  const rules = new TlsRules({ validated: () => null, policies: null });
  const reports = new TlsReports(systemClock, () => ({ organization: "", contact: "" }));
  const settings = { tlsMode: "require", maxTransactions: 1 } as const;
  const rig = new CourierRig(sink.port, { settings, tls: { clock: systemClock, rules, sessions, reports } });
  t.after(() => rig.courier.close(0));
  for (let i = 0; i < 3; i++) assert.match((await rig.deliver())[0] ?? "", /^delivered/);
  assert.deepEqual(taken, [false, true, true]);
  rig.settings.set("out", { ...rig.settings.get("out"), tlsMode: "require_verify" } as TransportSettings);
  assert.match((await rig.deliver())[0] ?? "", /^deferred 4\.7\.5 /);
  assert.deepEqual(taken, [false, true, true, false]);
});

test("a host of another name is reported for each connection, though the session is taken up again", async (t) => {
  const sink = await MailSink.start({ tls: certificate.pem });
  t.after(() => sink.stop());
  const { sessions, taken } = watched();
  const policy = { mode: "testing", hosts: ["mx.example.net"], lines: ["version: STSv1"] } as const;
  const policies = { find: async () => ({ kind: "policy", policy }) } as unknown as StsPolicies;
  const rules = new TlsRules({ validated: () => null, policies });
  const reports = new TlsReports(systemClock, () => ({ organization: "us", contact: "postmaster@us" }));
  const rig = new CourierRig(0, {
    zones: { "example.net": { mx: [[10, "mx.example.net"]] }, "mx.example.net": { a: ["127.0.0.1"] } },
    forbidLocal: false,
    settings: { server: null, port: sink.port, ca, tlsMode: "optional", mtaSts: true, maxTransactions: 1 },
    tls: { clock: systemClock, rules, sessions, reports },
  });
  t.after(() => rig.courier.close(0));
  for (let i = 0; i < 3; i++) assert.match((await rig.deliver())[0] ?? "", /^delivered/);
  assert.deepEqual(taken, [false, true, true]);
  const [found] = reports.reports(reports.days()[0] ?? "")[0]?.policies ?? [];
  assert.deepEqual(found?.summary, { "total-successful-session-count": 0, "total-failure-session-count": 3 });
});

const shownBy = (pem: string): Shown => ({ leaf: new X509Certificate(pem), unverified: null });
const anew = (shown: Shown): KeptSession => ({ session: Buffer.from("one more"), shown });

test("sessions that come anew from one another count from the handshake that showed the certificate", () => {
  const clock = new ManualClock(Date.now());
  const sessions = new TlsSessions(clock);
  const shown = shownBy(certificate.pem.cert);
  for (let minute = 0; minute < 10; minute++) {
    sessions.keep("host", anew(shown));
    assert.equal(sessions.find("host")?.shown, shown);
    clock.advance(60_000);
  }
  sessions.keep("host", anew(shown));
  assert.equal(sessions.find("host"), null);
  sessions.keep("host", anew(shownBy(certificate.pem.cert)));
  assert.notEqual(sessions.find("host"), null);
});

test("a session is not taken up beyond the date of the certificate that it stands for", () => {
  const good = shownBy(certificate.pem.cert);
  const clock = new ManualClock(Date.parse(good.leaf?.validTo ?? "") - 60_000);
  const sessions = new TlsSessions(clock);
  sessions.keep("verified", anew(good));
  sessions.keep("not verified", anew({ ...good, unverified: "CERT_HAS_EXPIRED" }));
  clock.advance(59_999);
  assert.notEqual(sessions.find("verified"), null);
  clock.advance(1);
  assert.equal(sessions.find("verified"), null);
  assert.notEqual(sessions.find("not verified"), null);
});
