import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { parseEngineConfig } from "./config.ts";
import { settingsOf } from "./transport-config.ts";

const startup = `servers: [{ id: in, listeners: [{ port: 25 }] }]
spool: { path: /spool }
environment: { appconf: a }
`;
const app = `servers: [{ id: in, transport: out }]
transportgroups: [{ id: g, connection: { server: "mx:25" }, transports: [{ id: out }] }]
`;
const policy = "policies: [{ fields: [localip], default: { concurrency: 7, rate: 5/60 } }]\n";
const suspend = "suspends: [{ jobid: a }]\n";
const good = { startup, app, policy, suspend };
const names = ["startup", "app", "policy", "suspend"] as const;

function isAnswered(files: typeof good): boolean {
  const parsed = parseEngineConfig(files);
  if (parsed.ok) return true;
  assert.ok(parsed.problems.length > 0);
  for (const { file, reason } of parsed.problems)
    assert.ok(file !== "" && reason !== "", JSON.stringify(parsed));
  return false;
}

test("a file cut at any place is a configuration or a list of what is wrong", () => {
  assert.ok(isAnswered(good));
  for (const name of names)
    for (let at = 0; at < good[name].length; at++) isAnswered({ ...good, [name]: good[name].slice(0, at) });
});

test("any text is a configuration or a list of what is wrong with it", () => {
  const words = Object.values(good).flatMap((text) => text.split(/(?<=[\s:[\]{},])/));
  const word = fc.constantFrom(
    ...words,
    "&a ",
    "*a ",
    "!!js/function ",
    "<<: ",
    "__proto__: ",
    "- ",
    "\n",
    "9e99 ",
    "~ ",
  );
  const text = fc.oneof(
    fc.array(word, { maxLength: 25 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      text,
      (name, given) => void isAnswered({ ...good, [name]: given }),
    ),
    { numRuns: 500 },
  );
});

test("aliases that stand for billions of values, and nesting without end, are refused", () => {
  const levels = Array.from({ length: 12 }, (_, i) => {
    const items = Array(9).fill(i === 0 ? "x" : `*a${i - 1}`);
    return `a${i}: &a${i} [${items.join(",")}]\n`;
  });
  const plugins = (value: string): typeof good => ({
    ...good,
    startup: `${startup}plugins: [{ id: p, path: p.so }]\n`,
    app: `${app}plugins: [{ id: p, config: { a: ${value} } }]\n`,
  });
  assert.ok(isAnswered(plugins("[&a [1], *a, *a]")));
  assert.equal(isAnswered(plugins("&a [*a]")), false);
  const bomb = levels.map((level) => level.trim().replace(/^a\d+: /, "")).join(", ");
  assert.equal(isAnswered(plugins(`[${bomb}]`)), false);
  assert.equal(isAnswered({ ...good, app: `${"[".repeat(50_000)}${"]".repeat(50_000)}` }), false);
});

test("a transport takes what it does not say from its group, key by key", () => {
  const group = `servers: [{ id: in, transport: out }]
addresses: [{ id: a, address: 192.0.2.1 }]
transportgroups:
  - id: g
    retry: { count: 7, intervals: [{ interval: 5m }] }
    connection: { port: 2525, timeout: 9s, sourceip: { ipv4: [a], ipv6: false } }
    session: { protocol: lmtp, chunking: true, tls: { mode: require, mtasts: true } }
    transports:
      - { id: out, connection: { server: "mx" }, session: { tls: { mtasts: false } }, retry: { count: 1 } }
      - { id: other, connection: { server: "mx", port: 26, sourceip: {} }, session: { protocol: smtp, chunking: false } }
`;
  const parsed = parseEngineConfig({ ...good, app: group });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const [found] = parsed.value.app.transportgroups;
  assert.ok(found);
  const [out, other] = found.transports.map((transport) => settingsOf(found, transport));
  const intervals = [{ interval: 300_000, notify: false }];
  assert.deepEqual(out?.retry, { count: 1, intervals });
  const sourceip = { ipv4: ["a"], ipv6: false };
  assert.deepEqual(out.connection, { server: "mx", port: 2525, timeout: 9000, sourceip });
  const tls = { mode: "require", mtasts: false };
  assert.deepEqual(out.session, { protocol: "lmtp", chunking: true, tls });
  assert.deepEqual(other?.connection, { server: "mx", port: 26, timeout: 9000, sourceip: {} });
  assert.deepEqual(other.session, { protocol: "smtp", chunking: false, tls: { ...tls, mtasts: true } });
  assert.deepEqual(other.retry, { count: 7, intervals });
});

test("a transport whose group names servers goes back to mail exchangers by an empty text", () => {
  const group = `
servers: [{ id: in, transport: out }]
transportgroups:
  - id: g
    connection: { server: ["mx1", "mx2:26"], port: 2525 }
    transports: [{ id: out, connection: { server: "", port: 25 } }, { id: other }]
`;
  const parsed = parseEngineConfig({ ...good, app: group });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const [found] = parsed.value.app.transportgroups;
  assert.ok(found);
  const settings = found.transports.map((transport) => settingsOf(found, transport).connection);
  assert.deepEqual(
    settings.map(({ server, port }) => [server, port]),
    [
      [undefined, 25],
      [["mx1", "mx2:26"], 2525],
    ],
  );
  const lmtp = group.replace("    transports", "    session: { protocol: lmtp }\n    transports");
  assert.deepEqual(reasons({ app: lmtp }), {
    "transportgroups[0]": "protocol lmtp needs a connection.server",
  });
});

test("where neither a transport nor its group says something, the defaults hold", () => {
  const parsed = parseEngineConfig(good);
  assert.ok(parsed.ok);
  const [group] = parsed.value.app.transportgroups;
  assert.ok(group?.transports[0]);
  const { retry, connection, session } = settingsOf(group, group.transports[0]);
  assert.deepEqual([retry.count, retry.intervals.length, connection.port], [30, 5, 25]);
  assert.deepEqual(session, { protocol: "smtp", chunking: false, tls: { mode: "optional", mtasts: false } });
});

/** Reasons, by their places. */
function reasons(change: Partial<Record<(typeof names)[number], string>>): Record<string, string> {
  const parsed = parseEngineConfig({ ...good, ...change });
  return parsed.ok ? {} : Object.fromEntries(parsed.problems.map(({ path, reason }) => [path, reason]));
}

test("where mail goes in place of SMTP is said once: by the transport, else by its group", () => {
  const store =
    "objectstore: { endpoint: https://s3.test, bucket: mail, accesskeyfile: /a, secretkeyfile: /s }";
  const text = (ofGroup: string, own: string): string =>
    `servers: [{ id: in, transport: out }]\ntransportgroups: [{ id: g, ${ofGroup}, transports: [{ id: out${own} }] }]`;
  const ways = [
    { app: text(store, ", plugin: { id: p }"), plugin: "p", store: undefined },
    { app: text("plugin: { id: p }", `, ${store}`), plugin: undefined, store: "mail" },
    { app: text("plugin: { id: p }", ""), plugin: "p", store: undefined },
  ];
  for (const { app: written, plugin, store: bucket } of ways) {
    const parsed = parseEngineConfig({ ...good, app: written });
    const [group] = parsed.ok ? parsed.value.app.transportgroups : [];
    assert.ok(group?.transports[0], JSON.stringify(parsed));
    const settings = settingsOf(group, group.transports[0]);
    assert.deepEqual([settings.plugin?.id, settings.objectstore?.bucket], [plugin, bucket]);
  }
  for (const both of [
    text(`${store}, plugin: { id: p }`, ""),
    text("retry: {}", `, ${store}, plugin: { id: p }`),
  ])
    assert.deepEqual(reasons({ app: both }), {
      "transportgroups[0]": "mail goes to either an objectstore or a plugin",
    });
});

test("a class of replies that no reply can have is refused where it is waited for", () => {
  const rules = "bounces: { rules: [{ class: mine, reply: no }] }\n";
  const classes = "suppression: { classes: [bad-mailbox, mine, bad-mailboxes] }\n";
  const reactions = "reactions: [{ id: a, when: { class: [spam, mine, spma] }, action: { suspend: true } }]";
  assert.deepEqual(reasons({ app: `${app}${rules}${classes}`, policy: reactions }), {
    "suppression.classes[2]": 'there is no class "bad-mailboxes", of replies or in bounces.rules',
    "reactions[0].when.class[2]": 'there is no class "spma", of replies or in bounces.rules',
  });
});

test("durations and sizes that nothing could come of, and times that no number can hold, are refused", () => {
  const idle = (value: string): Record<string, string> =>
    reasons({ app: app.replace("transport: out", `transport: out, timeout: { idle: ${value} }`) });
  assert.deepEqual(idle("1s"), {});
  assert.deepEqual(idle("36500d"), {});
  const place = "servers[0].timeout.idle";
  assert.deepEqual(idle("0s"), { [place]: "must be more than nothing" });
  for (const long of ["36501d", "9".repeat(400), "1e300"])
    assert.deepEqual(idle(long), { [place]: "must be 36500d at most" });
  assert.match(idle("soon")[place] ?? "", /^must be a duration/);
  const sized = app.replace("transport: out", "transport: out, phases: { data: { maxsize: 0 } }");
  assert.deepEqual(reasons({ app: sized }), {
    "servers[0].phases.data.maxsize": "must be more than nothing",
  });
});
