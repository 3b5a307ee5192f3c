import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test, type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import PostalMime from "postal-mime";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { silentLog } from "#base/log.ts";

import { makeCertificate } from "../../testing/certificates.ts";
import { FakeResolver } from "../../testing/fake-resolver.ts";
import { readKept, writeKept } from "./kept-json.ts";
import { StsPolicies } from "./sts-policies.ts";
import { readReceivers } from "./tls-report-mail.ts";
import { TlsReportSender } from "./tls-report-sender.ts";
import { type TlsReport, TlsReports } from "./tls-reports.ts";

const folder = mkdtempSync(join(tmpdir(), "tls-reports-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const DAY_MS = 86_400_000;
const policy = { type: "no-policy-found" } as const;
const went = (domain: string, failure: string | null): Parameters<TlsReports["note"]>[0] => ({
  domain,
  policy,
  failure,
  host: `mx.${domain}`,
  ip: "192.0.2.1",
  sourceIp: "",
  detail: "",
});

type Mail = Parameters<ConstructorParameters<typeof TlsReportSender>[0]["submit"]>[0];

interface Rig {
  readonly clock: ManualClock;
  readonly reports: TlsReports;
  readonly mails: Mail[];
  readonly zones: Record<string, { txt: string[] }>;
  isRefusing: boolean;
  sender(more?: { ca?: string; forbid?: boolean }): TlsReportSender;
}

function rig(t: TestContext): Rig {
  const clock = new ManualClock();
  const reports = new TlsReports(clock, () => ({ organization: "mx.us.example", contact: "tls@us.example" }));
  const zones: Rig["zones"] = {};
  const made: Rig = {
    clock,
    reports,
    zones,
    mails: [],
    isRefusing: false,
    sender({ ca, forbid = false } = {}) {
      const sender = new TlsReportSender({
        clock,
        random: () => 0.5,
        log: silentLog,
        reports,
        resolver: new FakeResolver({ ...zones, "rpt.example.net": { a: ["127.0.0.1"] } }),
        isForbidden: () => forbid,
        sender: () => ({ from: "tls@us.example", hostname: "mx.us.example", transportId: "out" }),
        submit: async (mail) => {
          if (made.isRefusing) throw new Error("the spool is full");
          made.mails.push(mail);
        },
        ...(ca === undefined ? {} : { ca }),
      });
      t.after(() => sender.close());
      return sender;
    },
  };
  return made;
}

const wants = (rua: string): { txt: string[] } => ({ txt: [`v=TLSRPTv1; rua=${rua}`] });

describe("who wants reports", () => {
  test("is said by one record with addresses and URLs, and whatever else it holds is left out", () => {
    assert.deepEqual(
      readReceivers([["v=TLSRPTv1; rua=mailto:a%2Bb@x.example", ",https://r.example/v1; x=y"]]),
      [
        { kind: "mail", address: "a+b@x.example" },
        { kind: "https", url: "https://r.example/v1" },
      ],
    );
    const hostile = [
      "http://r.example/",
      "mailto:a@b\r\nBcc: c@d",
      "mailto:a%0d%0a@b",
      "mailto:",
      "file:///etc/passwd",
      "https://",
    ];
    assert.deepEqual(readReceivers([[`v=TLSRPTv1;rua=${hostile.join(",")}`]]), []);
    assert.deepEqual(readReceivers([["v=TLSRPTv1;rua=mailto:a@b"], ["v=TLSRPTv1;rua=mailto:c@d"]]), []);
    assert.deepEqual(readReceivers([["v=spf1 -all"]]), []);
  });
});

describe("reports of TLS", () => {
  test("are mailed once when their day is over, as RFC 8460 has it", async (t) => {
    const { clock, reports, zones, mails, sender } = rig(t);
    zones["_smtp._tls.example.net"] = wants("mailto:tls@example.net");
    reports.note(went("example.net", null));
    reports.note(went("example.net", "certificate-expired"));
    reports.note(went("silent.example", null));
    const sending = sender();
    await sending.look();
    assert.equal(mails.length, 0);
    clock.advance(DAY_MS);
    await sending.look();
    await sending.look();
    assert.deepEqual(
      mails.map(({ from, to, transportId }) => [from, to, transportId]),
      [["tls@us.example", "tls@example.net", "out"]],
    );
    const mail = await PostalMime.parse(mails[0]?.bytes ?? "");
    const field = (name: string): string | undefined => mail.headers.find(({ key }) => key === name)?.value;
    assert.match(
      mail.subject ?? "",
      /^Report Domain: example\.net Submitter: mx\.us\.example Report-ID: <.+>$/,
    );
    assert.equal(field("tls-report-domain"), "example.net");
    assert.equal(field("tls-required"), "No");
    const [attachment] = mail.attachments;
    assert.equal(attachment?.mimeType, "application/tlsrpt+gzip");
    assert.match(attachment?.filename ?? "", /^mx\.us\.example!example\.net!\d+!\d+!.+\.json\.gz$/);
    const report = JSON.parse(gunzipSync(attachment?.content as ArrayBuffer).toString()) as TlsReport;
    assert.deepEqual(report.policies[0]?.summary, {
      "total-successful-session-count": 1,
      "total-failure-session-count": 1,
    });
  });

  test("that are not taken are sent with a later look, also by the next process", async (t) => {
    const first = rig(t);
    first.reports.note(went("example.net", null));
    first.zones["_smtp._tls.example.net"] = wants("mailto:tls@example.net");
    first.clock.advance(DAY_MS);
    first.isRefusing = true;
    await first.sender().look();
    const path = join(folder, "state", "reports.json");
    await writeKept(path, first.reports.state());

    const second = rig(t);
    second.clock.advance(DAY_MS);
    second.zones["_smtp._tls.example.net"] = wants("mailto:tls@example.net");
    second.reports.restore(await readKept(path));
    await second.sender().look();
    assert.equal(second.mails.length, 1);
    await writeKept(path, second.reports.state());

    const third = rig(t);
    third.clock.advance(DAY_MS);
    third.zones["_smtp._tls.example.net"] = wants("mailto:tls@example.net");
    third.reports.restore(await readKept(path));
    await third.sender().look();
    assert.deepEqual([third.mails.length, third.reports.days().length], [0, 1]);
    for (const broken of [null, 7, { days: 3 }, { days: [["x"]], sent: [] }]) third.reports.restore(broken);
    assert.equal(third.reports.days().length, 1);
  });

  test("go by HTTPS where the domain asks for it, but never to a host of our own network", async (t) => {
    const { clock, reports, zones, sender } = rig(t);
    const taken: { type: string | undefined; body: Buffer }[] = [];
    let status = 500;
    const web = createServer(makeCertificate(folder, "rpt.example.net").pem, (request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        taken.push({ type: request.headers["content-type"], body: Buffer.concat(pieces) });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    t.after(() => web.close());
    const { port } = web.address() as AddressInfo;
    zones["_smtp._tls.example.net"] = wants(`https://rpt.example.net:${port}/v1`);
    reports.note(went("example.net", null));
    clock.advance(DAY_MS);
    const ca = readFileSync(join(folder, "rpt.example.net.ca.crt"), "utf8");
    await sender({ ca, forbid: true }).look();
    assert.equal(taken.length, 0);
    const sending = sender({ ca });
    await sending.look();
    status = 202;
    await sending.look();
    await sending.look();
    assert.deepEqual(
      taken.map(({ type }) => type),
      ["application/tlsrpt+gzip", "application/tlsrpt+gzip"],
    );
    assert.equal(
      (JSON.parse(gunzipSync(taken[1]?.body ?? "").toString()) as TlsReport)["organization-name"],
      "mx.us.example",
    );
  });

  test("count each day, also after days of a clock that was years ahead", (t) => {
    const { clock, reports } = rig(t);
    const today = new Date(clock.now()).toISOString().slice(0, 10);
    clock.setWall(3650 * DAY_MS);
    for (let day = 0; day < 4; day++) {
      reports.note(went("example.net", null));
      clock.advance(DAY_MS);
    }
    clock.setWall(-3654 * DAY_MS);
    reports.note(went("example.net", null));
    reports.note(went("example.net", null));
    assert.deepEqual(reports.days(), [today]);
    assert.equal(reports.reports(today)[0]?.policies[0]?.summary["total-successful-session-count"], 2);
  });
});

describe("policies of MTA-STS over a restart", () => {
  test("stay in force though the record has gone, until they end", async () => {
    const clock = new ManualClock();
    const none = { clock, resolver: new FakeResolver({}), isForbidden: () => false };
    const lines = ["version: STSv1", "mode: enforce", "mx: mx.example.net", "max_age: 86400"];
    const until = clock.now() + DAY_MS;
    const policies = new StsPolicies(none);
    policies.restore([
      ["example.net", { id: "1", lines, until }],
      ["bad"],
      ["worse", { id: "1", lines: ["mode: x"], until }],
      7,
    ]);
    assert.equal((await policies.find("example.net")).kind, "policy");
    const next = new StsPolicies(none);
    next.restore(JSON.parse(JSON.stringify(policies.state())));
    assert.equal((await next.find("example.net")).kind, "policy");
    assert.equal(next.state().length, 1);
    clock.advance(DAY_MS + 1);
    assert.equal((await next.find("example.net")).kind, "none");
  });

  test("end with their time, though they were kept while the clock was years ahead", async () => {
    const clock = new ManualClock();
    const policies = new StsPolicies({ clock, resolver: new FakeResolver({}), isForbidden: () => false });
    const lines = ["version: STSv1", "mode: enforce", "mx: mx.example.net", "max_age: 86400"];
    policies.restore([["example.net", { id: "1", lines, until: clock.now() + 3650 * DAY_MS }]]);
    assert.equal((await policies.find("example.net")).kind, "policy");
    clock.advance(DAY_MS);
    assert.equal((await policies.find("example.net")).kind, "none");
  });
});
