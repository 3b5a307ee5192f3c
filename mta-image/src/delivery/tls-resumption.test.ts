/**
 * What is demanded of a host's certificate holds on a TLS session that is taken up again as it does on a full handshake,
 * against hosts that take up every session: whatever was agreed with them before, and whatever they show now.
 */
import assert from "node:assert/strict";
import { X509Certificate, createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, after, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { makeCertificate } from "../../testing/certificates.ts";
import { CourierRig } from "../../testing/courier-rig.ts";
import { TicketHost } from "../../testing/ticket-host.ts";
import type { ValidatedResolver } from "../dns/validated-resolver.ts";
import type { StsPolicies } from "./sts-policies.ts";
import { TlsReports } from "./tls-reports.ts";
import { TlsRules } from "./tls-rules.ts";
import { TlsSessions } from "./tls-sessions.ts";
import type { TransportSettings } from "./transport.ts";

const folder = mkdtempSync(join(tmpdir(), "tls-resumption-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const right = makeCertificate(folder, "mx.example.net");
const wrong = makeCertificate(folder, "other.example");
const ca = readFileSync(right.ca, "utf8") + readFileSync(wrong.ca, "utf8");

const zones = {
  "example.net": { mx: [[10, "mx.example.net"]] },
  "mx.example.net": { a: ["127.0.0.1"] },
  "other.net": { mx: [[10, "mx.other.net"]] },
  "mx.other.net": { a: ["127.0.0.1"] },
} as const;

/** What is demanded of the host. */
interface Demand {
  /** Whether it gets mail: with a certificate of its own name, and of another one. */
  readonly isMet: readonly [boolean, boolean];
  readonly settings: Partial<TransportSettings>;
  readonly requireTls?: boolean;
  readonly policy?: { readonly mode: "enforce" | "testing"; readonly hosts: readonly string[] };
  /** The digest of a key that DANE names, at the end of an alias if there is one. */
  readonly key?: Buffer;
  readonly alias?: string;
}

const keyOf = (pem: string): Buffer =>
  createHash("sha256")
    .update(new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" }))
    .digest();

const enforced = { mode: "enforce", hosts: ["mx.example.net"] } as const;
const demands: Readonly<Record<string, Demand>> = {
  optional: { isMet: [true, true], settings: { tlsMode: "optional" } },
  require: { isMet: [true, true], settings: { tlsMode: "require" } },
  verified: { isMet: [true, false], settings: { tlsMode: "require_verify" } },
  "another authority": {
    isMet: [false, false],
    settings: { tlsMode: "require_verify", ca: readFileSync(wrong.ca, "utf8") },
  },
  "policy on trial": {
    isMet: [true, true],
    settings: { mtaSts: true },
    policy: { ...enforced, mode: "testing" },
  },
  "policy in force": { isMet: [true, false], settings: { mtaSts: true }, policy: enforced },
  "policy without the host": {
    isMet: [false, false],
    settings: { mtaSts: true },
    policy: { ...enforced, hosts: ["mx.example"] },
  },
  "DANE's right key": { isMet: [true, false], settings: { tlsMode: "dane" }, key: keyOf(right.pem.cert) },
  "DANE's wrong key": { isMet: [false, true], settings: { tlsMode: "dane" }, key: keyOf(wrong.pem.cert) },
  "DANE without a key of use": { isMet: [true, true], settings: { tlsMode: "dane" }, key: Buffer.alloc(1) },
  REQUIRETLS: { isMet: [true, false], settings: {}, requireTls: true, policy: enforced },
  "REQUIRETLS of a host that nobody vouches for": { isMet: [false, false], settings: {}, requireTls: true },
};

function demandOf(name: string): Demand {
  const demand = demands[name];
  assert.ok(demand !== undefined, name);
  return demand;
}

interface Rig {
  /** The outcome, and what the report says of it. */
  deliver(demand: Demand, to?: string): Promise<string>;
}

function rigOf(host: TicketHost, sessions: TlsSessions): Rig {
  let asked = demandOf("optional");
  const validated = {
    ask: async (name: string, type: string) => {
      const base = { kind: "found", isAuthentic: true, owner: asked.alias ?? name };
      const records = type === "TLSA" && asked.key !== undefined ? [tlsaOf(asked.key)] : [];
      return type === "TLSA" ? { ...base, records } : base;
    },
  } as unknown as ValidatedResolver;
  const policies = {
    find: async () =>
      asked.policy === undefined
        ? { kind: "none" }
        : { kind: "policy", policy: { ...asked.policy, lines: ["version: STSv1"] } },
  } as unknown as StsPolicies;
  const rules = new TlsRules({
    validated: () => (asked.key === undefined ? null : validated),
    policies,
  });
  return {
    deliver: async (demand, to = "ann@example.net") => {
      asked = demand;
      const reports = new TlsReports(systemClock, () => ({ organization: "us", contact: "postmaster@us" }));
      const rig = new CourierRig(0, {
        zones,
        forbidLocal: false,
        settings: { server: null, port: host.port, ca, tlsMode: "optional", ...demand.settings },
        tls: { clock: systemClock, rules, sessions, reports },
      });
      const [said = ""] = await rig.deliver({ to: [to], requireTls: demand.requireTls ?? false });
      await rig.courier.close(0);
      const [found] = reports.reports(reports.days()[0] ?? "")[0]?.policies ?? [];
      return `${said} ${JSON.stringify(found?.summary)}`;
    },
  };
}

/** As DNS has it. */
function tlsaOf(certificate: Buffer): Readonly<Record<string, unknown>> {
  return { usage: 3, selector: 1, matchingType: 1, certificate };
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  const start = async (t: TestContext, { pem }: typeof right): Promise<TicketHost> => {
    const host = await TicketHost.start({ version, pem });
    t.after(() => host.stop());
    return host;
  };

  for (const [shown, certificate, at] of [
    ["its own name", right, 0],
    ["another name", wrong, 1],
  ] as const)
    test(`whatever was demanded before, a host of ${shown} gets mail as without a session (${version})`, async (t) => {
      const host = await start(t, certificate);
      const fresh = new Map<string, string>();
      for (const [name, demand] of Object.entries(demands)) {
        const said = await rigOf(host, new TlsSessions(systemClock)).deliver(demand);
        assert.equal(said.startsWith("delivered "), demand.isMet[at], `${name}: ${said}`);
        fresh.set(name, said);
      }
      assert.ok(host.resumed.every((isResumed) => !isResumed));
      for (const [before, first] of Object.entries(demands))
        for (const [name, demand] of Object.entries(demands)) {
          const rig = rigOf(host, new TlsSessions(systemClock));
          await rig.deliver(first);
          assert.equal(await rig.deliver(demand), fresh.get(name), `${name} after ${before}`);
        }
      assert.ok(host.resumed.some((isResumed) => isResumed));
    });

  test(`a session that was verified for one host is not taken up for another at the same place (${version})`, async (t) => {
    const host = await start(t, right);
    const rig = rigOf(host, new TlsSessions(systemClock));
    for (let i = 0; i < 2; i++) assert.match(await rig.deliver(demandOf("verified")), /^delivered/);
    assert.match(await rig.deliver(demandOf("verified"), "bob@other.net"), /^deferred 4\.7\.5 /);
    // In TLS 1.3 the host hears that we left before its handshake has come to an end.
    assert.deepEqual(host.resumed.slice(0, 2), [false, true]);
    assert.notEqual(host.resumed[2], true);
  });

  test(`a host that changes its certificate is seen through ten minutes after it showed the one before (${version})`, async (t) => {
    const host = await start(t, right);
    const clock = new ManualClock(Date.now());
    const rig = rigOf(host, new TlsSessions(clock));
    assert.match(await rig.deliver(demandOf("verified")), /^delivered/);
    host.pem = wrong.pem;
    for (let minute = 4; minute < 10; minute += 4) {
      clock.advance(4 * 60_000);
      assert.match(await rig.deliver(demandOf("verified")), /^delivered/);
    }
    clock.advance(2 * 60_000 + 1);
    assert.match(await rig.deliver(demandOf("verified")), /^deferred 4\.7\.5 /);
    assert.deepEqual(host.resumed.slice(0, 3), [false, true, true]);
    assert.notEqual(host.resumed[3], true);
  });

  test(`a session is offered for the name alone that was asked for with it (${version})`, async (t) => {
    const host = await start(t, right);
    const sessions = new TlsSessions(systemClock);
    const offered: boolean[] = [];
    const find = sessions.find.bind(sessions);
    sessions.find = (key) => {
      const found = find(key);
      offered.push(found !== null);
      return found;
    };
    const rig = rigOf(host, sessions);
    const known = demandOf("DANE without a key of use");
    for (const alias of ["mx.example.net", "real.example.net", "real.example.net"])
      assert.match(await rig.deliver({ ...known, alias }), /^delivered/);
    assert.deepEqual(
      [offered, host.resumed],
      [
        [false, false, true],
        [false, false, true],
      ],
    );
  });
}
