/** The ready plugins that work with the queue: what they order from it, and what they answer. */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import type { Wire } from "#mta/plugins/native.ts";

import { functionOf } from "../testing/native-plugins.ts";
import { type ReadyConfigs, message, startReadyPlugins } from "../testing/ready-plugins.ts";

const DAY_MS = 86_400_000;
/** A date as the warm-up's configuration writes it, that many days ago, at noon to be safe from summer time. */
const daysAgo = (days: number): string => {
  const date = new Date(Date.now() - days * DAY_MS);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");
};

const schedules = [
  {
    class: "new",
    fields: ["localip", { grouping: "&mailboxes" }],
    properties: { pool: "warm" },
    schedule: [
      { day: 1, messages: 100 },
      { day: 7, messages: 1000, interval: 60 },
    ],
  },
];
const ips = [
  { class: "new", ip: "192.0.2.1", helo: "a.example.com", added: daysAgo(0) },
  { class: "new", ip: "192.0.2.2", added: daysAgo(5) },
  { class: "new", ip: "192.0.2.3", added: daysAgo(30) },
];
const suspends = [
  { if: ["* * * * *"], transportid: "night", tag: "always held" },
  { ifnot: ["* * * * *"], transportid: "day" },
  { ifnot: ["0 0 31 2 *"], recipientdomain: "example.com" },
];

const configs: ReadyConfigs = {
  "delivery-times": { appConfig: { suspends } },
  "ip-warm-up": { config: { schedules }, appConfig: { ips, exclude: true } },
};
const plugins = await startReadyPlugins(configs);
const { host, queue } = plugins;
after(() => host.cleanup());

const call = (plugin: string, name: string, ...args: Wire[]) =>
  host.calls.call(functionOf(plugins, plugin, name), args);

function reload(changes: Record<string, unknown>): void {
  host.reload(new Map(Object.entries(configs).map(([id, { appConfig }]) => [id, changes[id] ?? appConfig])));
}

test("delivery-times holds mail inside if and outside ifnot, and nothing else", () => {
  assert.deepEqual(
    queue.suspensions.map(({ match, tag, plugin }) => [
      match.transportid,
      match.recipientdomain,
      tag,
      plugin,
    ]),
    [
      ["night", null, "always held", "delivery-times"],
      [null, "example.com", null, "delivery-times"],
    ],
  );
});

test("delivery-times replaces its suspensions at a reload and keeps them when the new rules make no sense", () => {
  queue.orders.length = 0;
  reload({ "delivery-times": { suspends: [{ if: ["61 * * * *"] }] } });
  assert.deepEqual(
    queue.orders.filter((order) => order.includes("suspend")),
    [],
  );
  const former = queue.suspensions.slice(0, 2).map(({ id }) => id);
  reload({ "delivery-times": { suspends: [{ if: ["* * * * *"], localip: "192.0.2.9" }] } });
  assert.deepEqual(
    queue.orders.filter((order) => order.includes("suspend")),
    ["suspend", "unsuspend first", `unsuspend ${former[1]}`],
  );
  assert.equal(queue.suspensions.at(-1)?.match.localip, "192.0.2.9");
});

test("time patterns have lists, ranges and steps in five fields", () => {
  // Monday 2026-11-23 08:30, local time.
  const at = (hour: number, minute: number, day = 23): number =>
    new Date(2026, 10, day, hour, minute).getTime() / 1000;
  const office = "* 8-17 * * 1-5";
  const times: [string, number, boolean][] = [
    [office, at(8, 30), true],
    [office, at(17, 59), true],
    [office, at(18, 0), false],
    [office, at(8, 30, 22), false],
    ["*/15 * * * *", at(8, 30), true],
    ["*/15 * * * *", at(8, 31), false],
    ["0,30 8 23 11 1", at(8, 30), true],
    ["* 8-17/3 * * *", at(9, 0), true],
    ["* 8-17/3 * * *", at(8, 0), false],
    ["* * * * 0", at(8, 30, 22), true],
  ];
  for (const [pattern, time, expected] of times) {
    assert.equal(
      call("delivery-times", "is_delivery_time", pattern, time),
      expected,
      `${pattern} at ${time}`,
    );
  }
  const wrong = [
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "* 8-7 * * *",
    "* * 0 * *",
    "1/2 * * * *",
    "x * * * *",
    "* */0 * * *",
  ];
  for (const pattern of wrong)
    assert.throws(() => call("delivery-times", "is_delivery_time", pattern, 0), pattern);
});

test("ip-warm-up bounds each address by its day, and not at all when its warm-up is over", () => {
  const made = queue.policies.map(({ type, fields, match, limits, plugin }) => [
    plugin,
    type,
    fields.join("+"),
    match.localip,
    match.grouping,
    `${limits.tokens}/${limits.intervalSeconds}`,
    limits.tag,
    limits.cluster,
    limits.properties.get("pool"),
  ]);
  const row = ["ip-warm-up", "warmup", "localip+grouping"];
  assert.deepEqual(made.toSorted(), [
    [...row, "192.0.2.1", "&mailboxes", "100/3600", "Day_1", true, "warm"],
    [...row, "192.0.2.2", "&mailboxes", "1000/60", "Day_7", true, "warm"],
  ]);
});

test("ip-warm-up gives scripts the addresses of a class", () => {
  assert.deepEqual((call("ip-warm-up", "warmup_ips", "new") as Wire[]).slice(0, 4), [
    0,
    ["address", "192.0.2.1", "helo", "a.example.com"],
    1,
    ["address", "192.0.2.2"],
  ]);
  assert.deepEqual(call("ip-warm-up", "warmup_ips", "other"), []);
  assert.equal((call("ip-warm-up", "warmup_ips") as Wire[]).length, 6);
});

test("ip-warm-up keeps warming addresses from mail that they are not for", () => {
  const all = ["192.0.2.1", "192.0.2.3", "198.51.100.1"];
  assert.deepEqual(host.hooks.ask("insert", message, all), { kind: "accepted", localIps: all });
  const other = { ...message, grouping: "" };
  assert.deepEqual(host.hooks.ask("insert", other, all), { kind: "accepted", localIps: all.slice(1) });
  assert.deepEqual(host.hooks.ask("insert", other, ["192.0.2.1"]), {
    kind: "refused",
    plugin: "ip-warm-up",
    ret: ["error", "NO_IPS"],
  });
});

test("ip-warm-up updates, adds and drops policies and list items at a reload", () => {
  queue.orders.length = 0;
  const older = [
    { ...ips[0], added: daysAgo(3) },
    { ...ips[2], ip: "192.0.2.4", added: daysAgo(0) },
  ];
  reload({ "ip-warm-up": { ips: older, exclude: true } });
  const orders = queue.orders
    .filter((order) => !order.includes("suspend"))
    .map((order) => order.replace(/[0-9a-f-]{36}|first/, "id"));
  assert.deepEqual(orders.toSorted(), [
    "delete id",
    "list add localip new",
    "list add-item localip new 192.0.2.4",
    "list delete-item localip new 192.0.2.2",
    "list delete-item localip new 192.0.2.3",
    "list reload null null",
    "policy warmup localip+grouping",
    "update id 6",
  ]);
  reload({ "ip-warm-up": { ips: [{ class: "unknown", ip: "192.0.2.1", added: daysAgo(1) }] } });
  assert.equal((call("ip-warm-up", "warmup_ips") as Wire[]).length, 4);
});
