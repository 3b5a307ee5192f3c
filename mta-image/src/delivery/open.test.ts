import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, test } from "node:test";

import { makeCertificate } from "../../testing/certificates.ts";
import { CourierRig, type RigOptions } from "../../testing/courier-rig.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { defaultTimeouts, type TlsMode } from "./transport.ts";

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

function rig(port: number, options: RigOptions = {}): CourierRig {
  const made = new CourierRig(port, options);
  rigs.push(made);
  return made;
}

const TAKEN = "delivered 2.0.0 250 2.0.0 taken";

describe("by mail exchangers", () => {
  /** Loopback stands for the outside: its addresses differ by host, the port is the scripted host's. */
  const byMx = (zones: NonNullable<RigOptions["zones"]>, more: Partial<RigOptions> = {}): CourierRig =>
    rig(0, {
      forbidLocal: false,
      zones,
      ...more,
      settings: { server: null, port: host.port, ...more.settings },
    });

  test("the best is asked first, and the next one when it cannot be reached", async () => {
    const made = byMx({
      "example.net": {
        mx: [
          [20, "worse.example.net"],
          [10, "best.example.net"],
        ],
      },
      "best.example.net": { a: ["127.0.0.9"] },
      "worse.example.net": { a: ["127.0.0.1"] },
    });
    const [outcome] = await made.outcomes();
    assert.equal(outcome?.kind, "delivered");
    assert.equal(outcome?.remoteMta, "worse.example.net");
    assert.ok(
      made.resolver.asked.indexOf("a best.example.net") < made.resolver.asked.indexOf("a worse.example.net"),
    );
  });

  test("hosts that are no better than ourselves are left out, however they call us", async () => {
    const zones = {
      "best.example.net": { a: ["127.0.0.9"] },
      "alias-of-us.example.net": { a: ["127.0.0.7"] },
      "worse.example.net": { a: ["127.0.0.1"] },
    };
    const behindUs: [number, string][] = [
      [20, "alias-of-us.example.net"],
      [30, "worse.example.net"],
    ];
    const best: [number, string][] = [[10, "best.example.net"]];
    const send = (mx: [number, string][]): Promise<string[]> =>
      byMx({ ...zones, "example.net": { mx } }, { ownIp: "127.0.0.7" }).deliver();
    assert.match((await send([...best, ...behindUs]))[0] ?? "", /^deferred 4\.4\.1 /);
    assert.match(
      (await send(behindUs))[0] ?? "",
      /^failed 5\.4\.6 .*alias-of-us\.example\.net is 127\.0\.0\.7/,
    );
    assert.deepEqual(host.messages, []);
  });

  test("hosts of our own preference are not asked either, whichever comes first", async () => {
    const zones = {
      "alias-of-us.example.net": { a: ["127.0.0.7"] },
      "equal.example.net": { a: ["127.0.0.1"] },
      "example.net": {
        mx: [
          [10, "equal.example.net"],
          [10, "alias-of-us.example.net"],
        ],
      },
    } as const;
    for (const order of [0, 0.99]) {
      const made = byMx(zones, { ownIp: "127.0.0.7", random: () => order });
      assert.match(
        (await made.deliver())[0] ?? "",
        /^failed 5\.4\.6 .*alias-of-us\.example\.net is 127\.0\.0\.7/,
      );
    }
    assert.equal(host.connections, 0);
    // Where we listen nowhere at that port, nobody is ourselves.
    const elsewhere = byMx(zones, { random: () => 0 });
    assert.deepEqual(await elsewhere.deliver(), [TAKEN]);
  });

  test("a domain without any is its own mail host", async () => {
    assert.deepEqual(await byMx({ "example.net": { a: ["127.0.0.1"] } }).deliver(), [TAKEN]);
  });

  test("a host that refuses us at the greeting is left for the next", async () => {
    const other = await ScriptedHost.start();
    other.answer = ({ line }) => (line === "" ? "554 5.7.1 not you\r\n" : undefined);
    const servers = `127.0.0.1:${other.port},127.0.0.1:${host.port}`;
    assert.deepEqual(await rig(0, { settings: { server: servers } }).deliver(), [TAKEN]);
    await other.stop();
  });

  const ends: readonly (readonly [string, NonNullable<RigOptions["zones"]>, RegExp])[] = [
    ["a domain that does not exist fails", {}, /^failed 5\.1\.2 /],
    ["a null MX fails", { "example.net": { mx: [[0, ""]] } }, /^failed 5\.1\.10 /],
    ["DNS in trouble is waited for", { "example.net": { failed: true } }, /^deferred 4\.4\.3 /],
    [
      "a host whose address cannot be asked for is waited for",
      { "example.net": { mx: [[1, "mx.example.net"]] }, "mx.example.net": { failed: true } },
      /^deferred 4\.4\.3 /,
    ],
    ["hosts without an address fail", { "example.net": { mx: [[1, "mx.example.net"]] } }, /^failed 5\.4\.4 /],
    [
      "being the best host ourselves is a loop",
      {
        "example.net": {
          mx: [
            [1, "Engine.example.test"],
            [2, "mx.example.net"],
          ],
        },
      },
      /^failed 5\.4\.6 /,
    ],
    [
      "nobody listening is waited for",
      { "example.net": { mx: [[1, "mx.example.net"]] }, "mx.example.net": { a: ["127.0.0.9"] } },
      /^deferred 4\.4\.1 Connection refused: ECONNREFUSED \(127\.0\.0\.9:\d+\)$/,
    ],
  ];
  for (const [title, zones, becomes] of ends) {
    test(title, async () => {
      assert.match((await byMx(zones).deliver())[0] ?? "", becomes);
      assert.equal(host.connections, 0);
    });
  }

  test("hosts worse than ourselves are not asked, better ones are", async () => {
    const made = byMx({
      "example.net": {
        mx: [
          [5, "mx.example.net"],
          [10, "engine.example.test"],
          [20, "worse.example.net"],
        ],
      },
      "mx.example.net": { a: ["127.0.0.9"] },
      "worse.example.net": { a: ["127.0.0.1"] },
    });
    assert.match((await made.deliver())[0] ?? "", /^deferred 4\.4\.1 /);
    assert.equal(host.connections, 0);
  });

  test("an address that leads back to this machine is not connected to", async () => {
    const made = byMx({ "example.net": { a: ["127.0.0.1"] } }, { forbidLocal: true });
    assert.match((await made.deliver())[0] ?? "", /^failed 5\.4\.6 DNS leads to an address of this machine/);
    assert.equal(host.connections, 0);
  });
});

test("connections come from the configured address, and none is opened when none fits", async () => {
  const sources: (string | undefined)[] = [];
  const made = rig(host.port, { settings: { sourceIps: ["127.0.0.7", "2001:db8::1"] } });
  host.answer = ({ line }) => {
    if (line === "") sources.push(host.lastPeer);
    return undefined;
  };
  assert.deepEqual(await made.deliver(), [TAKEN]);
  assert.deepEqual(sources, ["127.0.0.7"]);
  const other = rig(host.port, { settings: { sourceIps: ["2001:db8::1"] } });
  assert.match((await other.deliver())[0] ?? "", /^deferred 4\.4\.4 /);
});

test("a family that the transport leaves out is not tried, and says so where a host has no other", async () => {
  const mx: [number, string][] = [
    [10, "new.example"],
    [20, "old.example"],
  ];
  const zones = {
    "example.net": { a: ["127.0.0.1"], aaaa: ["::1"] },
    "both.example": { mx },
    "new.example": { aaaa: Array.from({ length: 10 }, (_, n) => `2001:db8::${n + 1}`) },
    "old.example": { a: ["127.0.0.1"] },
  };
  const only = (onlyFamily: 4 | 6): CourierRig =>
    rig(0, { forbidLocal: false, zones, settings: { server: null, port: host.port, onlyFamily } });
  const noWay = /^deferred 4\.4\.4 No source address fits the host's address/;
  assert.match((await only(6).deliver({ to: ["ann@old.example"] }))[0] ?? "", noWay);
  assert.equal(host.connections, 0);
  assert.deepEqual(await only(4).deliver(), [TAKEN]);
  // Nor do its addresses count as tries, of which there are ten.
  assert.deepEqual(await only(4).deliver({ to: ["ann@both.example"] }), [TAKEN]);
});

test("a host with very many addresses of the family that is left out is reached by the other", async () => {
  const many = Array.from({ length: 30 }, (_, n) => `192.0.2.${n + 1}`);
  const made = rig(0, {
    zones: { "example.net": { a: many, aaaa: ["::1"] } },
    settings: { server: null, port: 1, onlyFamily: 6 },
  });
  assert.match((await made.deliver())[0] ?? "", /^deferred 4\.4\.1 .*\(\[::1\]:1\)/);
});

test("what a script says of source addresses stands in place of the transport's family", async () => {
  const made = rig(host.port, { settings: { onlyFamily: 6 } });
  assert.match((await made.deliver())[0] ?? "", /^deferred 4\.4\.4 /);
  const sources = [{ ip: "127.0.0.7", helo: null }];
  const wish = { key: "k", transportId: null, server: null, port: null, sources, tlsMode: null };
  assert.deepEqual(await made.deliver({ wish }), [TAKEN]);
});

test("a transport that is not configured defers, one with a bad server too", async () => {
  const made = rig(host.port, { settings: { server: "what is this?" } });
  assert.match(
    (await made.deliver({ transportId: "gone" }))[0] ?? "",
    /^deferred 4\.3\.5 .*no transport "gone"/,
  );
  assert.match((await made.deliver())[0] ?? "", /^deferred 4\.3\.5 /);
});

describe("TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const certificate = makeCertificate(folder, "mx.example.net");
  /** Of authorities that are trusted. */
  const wrong = {
    expired: makeCertificate(folder, "old.example.net", { days: -1 }),
    "another's": makeCertificate(folder, "other.example.org", { address: "192.0.2.9" }),
  };

  interface Case {
    readonly mode: TlsMode;
    readonly offered: "good" | "untrusted" | "expired" | "another's" | "broken" | "refused" | "none";
    readonly becomes: RegExp;
  }
  const clear = /^delivered clear$/;
  const secure = /^delivered secure$/;
  const cases: readonly Case[] = [
    { mode: "disabled", offered: "good", becomes: clear },
    { mode: "optional", offered: "none", becomes: clear },
    { mode: "optional", offered: "good", becomes: secure },
    { mode: "optional", offered: "untrusted", becomes: secure },
    { mode: "optional", offered: "broken", becomes: clear },
    { mode: "optional", offered: "refused", becomes: clear },
    { mode: "optional_verify", offered: "none", becomes: clear },
    { mode: "optional_verify", offered: "good", becomes: secure },
    { mode: "optional_verify", offered: "untrusted", becomes: /^deferred 4\.7\.5 / },
    { mode: "optional", offered: "expired", becomes: secure },
    { mode: "optional_verify", offered: "expired", becomes: /^deferred 4\.7\.5 / },
    { mode: "optional_verify", offered: "another's", becomes: /^deferred 4\.7\.5 / },
    { mode: "require_verify", offered: "expired", becomes: /^deferred 4\.7\.5 / },
    { mode: "require_verify", offered: "another's", becomes: /^deferred 4\.7\.5 / },
    { mode: "require", offered: "none", becomes: /^deferred 4\.7\.4 / },
    { mode: "require", offered: "untrusted", becomes: secure },
    { mode: "require", offered: "broken", becomes: /^deferred 4\.7\.5 / },
    { mode: "require", offered: "refused", becomes: /^deferred 4\.7\.0 454 / },
    { mode: "require_verify", offered: "good", becomes: secure },
    { mode: "require_verify", offered: "untrusted", becomes: /^deferred 4\.7\.5 / },
    { mode: "require_verify", offered: "none", becomes: /^deferred 4\.7\.4 / },
  ];
  for (const { mode, offered, becomes } of cases) {
    test(`${mode} with TLS that is ${offered} ends in ${becomes.source}`, async () => {
      const shown = offered === "expired" || offered === "another's" ? wrong[offered] : certificate;
      const sink = await MailSink.start(offered === "none" ? {} : { tls: shown.pem });
      const isSpoilt = offered === "broken" || offered === "refused";
      if (isSpoilt) spoilTls(offered);
      const isTrusted = offered === "good" || shown !== certificate;
      const ca = isTrusted ? readFileSync(shown.ca, "utf8") : null;
      const made = rig(isSpoilt ? host.port : sink.port, { settings: { tlsMode: mode, ca } });
      assert.match(withSecurity(await made.deliver(), sink), becomes);
      await sink.stop();
    });
  }

  function withSecurity([said = ""]: readonly string[], sink: MailSink): string {
    if (!said.startsWith("delivered")) return said;
    return `delivered ${sink.received[0]?.isSecure === true ? "secure" : "clear"}`;
  }

  function spoilTls(how: "broken" | "refused"): void {
    host.keywords = ["STARTTLS"];
    host.answer = ({ line }) => {
      if (line !== "STARTTLS") return undefined;
      if (how === "refused") return "454 4.7.0 not now\r\n";
      host.interrupt("this is no handshake\r\n");
      return "220 go\r\n";
    };
  }

  test("a host that does not go on with the handshake is said to have given no answer", async () => {
    host.keywords = ["STARTTLS"];
    host.answer = ({ line }) => {
      if (line === "STARTTLS") return "220 go\r\n";
      return /^(?:EHLO |$)/.test(line) ? undefined : "silence";
    };
    const timeouts = { ...defaultTimeouts, tlsMs: 1 };
    assert.match(
      (await rig(host.port, { settings: { tlsMode: "require", timeouts } }).deliver())[0] ?? "",
      /^deferred 4\.7\.5 TLS handshake failed: no answer in time \(/,
    );
  });

  test("replies put behind the one to STARTTLS are never taken for the secure host's", async () => {
    for (const injected of ["250 ok\r\n", "250-par", "250-partial\r\n"]) {
      host.keywords = ["STARTTLS"];
      host.answer = ({ line }) => (line === "STARTTLS" ? `220 go\r\n${injected}` : undefined);
      const [outcome] = await rig(host.port, { settings: { tlsMode: "require" } }).deliver();
      assert.match(outcome ?? "", /^deferred 4\.(?:5\.0|7\.5) /);
    }
    assert.equal(host.words.includes("MAIL"), false);
  });
});
