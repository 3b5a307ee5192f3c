import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { load } from "js-yaml";

import { parseEngineConfig } from "#contract/config.ts";

import { aSpec } from "../../testing/builders.ts";
import { reloadableFiles, type Rendering, renderConfig } from "./engine-config.ts";

function render(spec: Record<string, unknown> = {}, appFromText: string | null = null): Rendering {
  return renderConfig({ spec: aSpec(spec), plugins: [], appFromText, spamhaus: null, image: "mta:1" });
}

function appOf(rendering: Rendering): Record<string, unknown> {
  assert.ok(rendering.ok, JSON.stringify(rendering));
  return load(rendering.config.app) as Record<string, unknown>;
}

const transportgroups = [{ id: "all", transports: [{ id: "first" }, { id: "second" }] }];

describe("the engine's configuration", () => {
  it("gets a server for each listener, with the first transport", () => {
    const listeners = [
      { name: "smtp", port: 25 },
      { name: "other", port: 2600 },
    ];
    assert.deepEqual(appOf(render({ listeners, config: { app: { transportgroups } } }))["servers"], [
      { id: "smtp", transport: "first" },
      { id: "other", transport: "first" },
    ]);
  });

  it("keeps what the user says of a server and adds what is missing", () => {
    const app = {
      transportgroups,
      servers: [{ id: "smtp", hostname: "mx.example.org", transport: "second" }],
    };
    assert.deepEqual(appOf(render({ config: { app } }))["servers"], [
      { id: "smtp", transport: "second", hostname: "mx.example.org" },
    ]);
  });

  it("serves the certificate of a listener", () => {
    const listeners = [{ name: "smtp", port: 25, tls: { secretName: "mail" } }];
    const rendering = render({ listeners });
    assert.ok(rendering.ok);
    const parsed = parseEngineConfig(rendering.config);
    assert.ok(parsed.ok);
    const tls = { implicit: false, certs: [{ cert: "smtp" }], clientcerts: false };
    assert.deepEqual(parsed.value.app.servers[0]?.tls, tls);
    assert.equal(parsed.value.startup.pki.private[0]?.cert, "/run/secrets/mailfleet/tls/smtp/tls.crt");
  });

  it("expects a PROXY header where the listener says so, and nowhere else", () => {
    const listeners = [
      { name: "smtp", port: 25, proxyProtocol: true },
      { name: "inner", port: 2600 },
    ];
    const rendering = render({ listeners });
    assert.ok(rendering.ok);
    const parsed = parseEngineConfig(rendering.config);
    assert.ok(parsed.ok);
    assert.deepEqual(
      parsed.value.startup.servers.map(({ id, proxyprotocol }) => [id, proxyprotocol]),
      [
        ["smtp", true],
        ["inner", false],
      ],
    );
  });

  it("is refused with file, path and reason when the engine would refuse it", () => {
    const rendering = render({ config: { app: { transportgroups, quue: {} } } });
    assert.deepEqual(rendering, {
      ok: false,
      reason: "Invalid",
      problems: [
        { file: "smtpd-app.yaml", path: "quue", reason: "unknown key; check its spelling and place" },
      ],
    });
  });

  it("may not configure servers that no listener serves", () => {
    const servers = [{ id: "smtps", transport: "first" }];
    const rendering = render({ config: { app: { transportgroups, servers } } });
    assert.equal(!rendering.ok && rendering.problems[0]?.path, "servers[0].id");
  });

  it("says when no transport is there to be taken", () => {
    const rendering = render({ config: { app: {} } });
    assert.ok(!rendering.ok);
    assert.ok(rendering.problems.some(({ path }) => path === "transportgroups"));
  });

  it("comes from a ConfigMap as well, and says which one is missing", () => {
    const config = { appFrom: { name: "app" } };
    const text = "transportgroups: [{ id: all, transports: [{ id: first }] }]";
    assert.ok(render({ config }, text).ok);
    const missing = render({ config });
    assert.equal(!missing.ok && missing.reason, "SourceMissing");
    assert.match(
      (!missing.ok && missing.problems[0]?.reason) || "",
      /ConfigMap "app" with the key "smtpd-app.yaml"/,
    );
    const broken = render({ config }, "a: [");
    assert.equal(!broken.ok && broken.reason, "Invalid");
    const text2 = render({ config }, "just text");
    assert.equal(!text2.ok && text2.problems[0]?.reason, "must hold keys");
  });

  it("takes policies and suspensions along, all empty unless they are given", () => {
    const config = {
      app: { transportgroups },
      policy: { policies: [{ fields: ["remotemx"], default: { concurrency: 5 } }] },
      suspend: { suspends: [{ transportid: "second" }] },
    };
    const given = render({ config });
    assert.ok(given.ok, JSON.stringify(given));
    const parsed = parseEngineConfig(given.config);
    assert.ok(parsed.ok);
    assert.equal(parsed.value.policy.policies[0]?.default?.concurrency, 5);
    assert.equal(parsed.value.suspend.suspends[0]?.transportid, "second");
    const plain = render();
    assert.ok(plain.ok);
    assert.deepEqual(Object.keys(reloadableFiles(plain.config)), Object.keys(reloadableFiles(given.config)));
    assert.ok(parseEngineConfig(plain.config).ok);
  });

  it("is refused with the file that is wrong, be it of policies or of suspensions", () => {
    const app = { transportgroups };
    const warmup = { schedules: [{ class: "a", schedule: [{ day: 1, messages: 1 }] }], ips: [] };
    const ips = [{ ip: "192.0.2.1", class: "b", added: "2026-01-01" }];
    const cases = [
      [{ policy: { polices: [] } }, "smtpd-policy.yaml", "polices"],
      [{ policy: { warmup: { ...warmup, ips } } }, "smtpd-policy.yaml", "warmup.ips[0].class"],
      [{ suspend: { suspends: [{ remotemx: "/(/" }] } }, "smtpd-suspend.yaml", "suspends[0].remotemx"],
    ] as const;
    for (const [files, file, path] of cases) {
      const rendering = render({ config: { app, ...files } });
      assert.ok(!rendering.ok && rendering.reason === "Invalid");
      assert.deepEqual(
        rendering.problems.map((problem) => [problem.file, problem.path]),
        [[file, path]],
      );
      assert.ok((rendering.problems[0]?.reason ?? "") !== "");
    }
  });

  it("has one revision for one content", () => {
    const revision = (spec: Record<string, unknown>): string => {
      const rendering = render(spec);
      return rendering.ok ? rendering.config.revision : "";
    };
    assert.equal(revision({}), revision({ replicas: 9 }));
    const { app } = aSpec().config;
    const others = [
      { app: { transportgroups } },
      { app, policy: { policies: [{ default: { concurrency: 1 } }] } },
      { app, suspend: { suspends: [{}] } },
    ].map((config) => revision({ config }));
    assert.equal(new Set([revision({}), ...others]).size, 4);
  });
});

describe("identities", () => {
  const identities = [
    { address: "203.0.113.5", hostname: "out1.example.org" },
    { address: "2001:db8::6", hostname: "out2.example.org" },
  ];
  const groupsOf = (transportgroups: readonly object[]): unknown => {
    const spec = aSpec({ identities, config: { app: { transportgroups } } });
    const rendering = renderConfig({ spec, plugins: [], appFromText: null, spamhaus: null, image: "mta:1" });
    assert.ok(rendering.ok, JSON.stringify(rendering));
    return (load(rendering.config.app) as { transportgroups: unknown }).transportgroups;
  };
  const sourceip = { ipv4: ["identity-203.0.113.5"], ipv6: ["identity-2001-db8--6"] };

  const problemsOf = (addresses: readonly string[], transportgroups: readonly object[]): unknown => {
    const some = addresses.map((address) => ({ address, hostname: "out.example.org" }));
    const spec = aSpec({ identities: some, config: { app: { transportgroups } } });
    const rendering = renderConfig({ spec, plugins: [], appFromText: null, spamhaus: null, image: "mta:1" });
    return rendering.ok ? [] : rendering.problems.map(({ path, reason }) => `${path}: ${reason}`);
  };

  it("of one family leave nothing to a transport without that family, which is told by what it says itself", () => {
    const group = (left: object, transport: object = {}): object[] => [
      { id: "mx", connection: { sourceip: left }, transports: [{ id: "t", ...transport }] },
    ];
    const said = (path: string, [only, other]: readonly [string, string]): string[] => [
      `transportgroups[0].${path}connection.sourceip.${only.toLowerCase()}: spec.identities has addresses of ${only} alone, and this ` +
        `leaves ${only} out, so that no host could be reached: add an identity with an address of ${other}, or take this out`,
    ];
    const [four, six] = ["203.0.113.5", "2001:db8::6"];
    assert.deepEqual(problemsOf([four], group({ ipv4: false })), said("", ["IPv4", "IPv6"]));
    assert.deepEqual(problemsOf([six], group({ ipv6: false })), said("", ["IPv6", "IPv4"]));
    const own = { connection: { sourceip: { ipv4: false } } };
    assert.deepEqual(problemsOf([four], group({}, own)), said("transports[0].", ["IPv4", "IPv6"]));
    assert.deepEqual(problemsOf([four], group({ ipv6: false })), []);
    assert.deepEqual(problemsOf([four, six], group({ ipv4: false })), []);
    assert.deepEqual(problemsOf([four], group({ ipv4: false, ipv6: ["2001:db8::7"] })), []);
    assert.deepEqual(problemsOf([four], group({ ipv4: false, ipv6: false })), [
      "transportgroups[0]: sourceip.ipv4 and sourceip.ipv6 are both false: no host could be reached",
    ]);
  });

  it("are where a transport leaves from that goes back to mail exchangers, unlike its group", () => {
    const fixed = { server: "relay.example.org" };
    const group = (ofGroup: object, own: object): object[] => [
      { id: "g", connection: ofGroup, transports: [{ id: "t", connection: own }, { id: "u" }] },
    ];
    assert.deepEqual(groupsOf(group(fixed, { server: "" })), group(fixed, { server: "", sourceip }));
    const left = { ...fixed, sourceip: { ipv6: false } };
    assert.deepEqual(
      groupsOf(group(left, { server: "" })),
      group(left, { server: "", sourceip: { ...sourceip, ipv6: false } }),
    );
    const toHosts = { server: "", sourceip };
    assert.deepEqual(groupsOf(group({ server: "" }, {})), group(toHosts, {}));
    assert.equal((problemsOf(["2001:db8::6"], group(left, { server: "" })) as unknown[]).length, 1);
  });

  it("are where transports to mail exchangers leave from that say nothing else", () => {
    const own = { sourceip: { ipv4: ["192.0.2.1"] } };
    const fixed = { server: "relay.example.org" };
    assert.deepEqual(
      groupsOf([
        { id: "mx", transports: [{ id: "t" }] },
        { id: "own", connection: own, transports: [{ id: "u", connection: { port: 2525 } }] },
        { id: "fixed", connection: fixed, transports: [{ id: "v", connection: { port: 2525 } }] },
        { id: "v4", connection: { sourceip: { ipv6: false } }, transports: [{ id: "w" }] },
        {
          id: "some",
          transports: [
            { id: "x", connection: fixed },
            { id: "y", connection: { port: 2525 } },
          ],
        },
      ]),
      [
        { id: "mx", connection: { sourceip }, transports: [{ id: "t" }] },
        { id: "own", connection: own, transports: [{ id: "u", connection: { port: 2525 } }] },
        { id: "fixed", connection: fixed, transports: [{ id: "v", connection: { port: 2525 } }] },
        {
          id: "v4",
          connection: { sourceip: { ...sourceip, ipv6: false } },
          transports: [{ id: "w" }],
        },
        {
          id: "some",
          connection: { sourceip },
          transports: [
            { id: "x", connection: { ...fixed, sourceip: {} } },
            { id: "y", connection: { port: 2525 } },
          ],
        },
      ],
    );
  });
});
