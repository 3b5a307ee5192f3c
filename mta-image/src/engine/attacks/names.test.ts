/**
 * Entries 47 and 101 of docs/hostile-input.md on one engine that asks a name server about each domain: answers that lead
 * nowhere, in circles, or back to this machine. Nothing is connected to; the sender hears why, or the mail waits.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { AttackRig } from "../../../testing/attack-rig.ts";
import { DnsServer } from "../../../testing/dns-server.ts";
import { queuedIn } from "../../../testing/engine-mail.ts";
import { ScriptedHost } from "../../../testing/scripted-host.ts";
import { until } from "../../../testing/until.ts";

let rig: AttackRig;
let dns: DnsServer;
/** Where the notices go. */
let home: ScriptedHost;

before(async () => {
  home = await ScriptedHost.start();
  dns = await DnsServer.start({
    "null.example": { mx: [[0, ""]] },
    "trouble.example": { code: 2 },
    "refused.example": { code: 5 },
    "own.example": { a: ["127.0.0.1"] },
    "zero.example": { a: ["0.0.0.0"] },
    "mapped.example": { aaaa: [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1]] },
    "named.example": { mx: [[10, "localhost"]] },
    "ourselves.example": { mx: [[10, "engine.example.test"]] },
    "circle.example": { mx: [[10, "a.circle.example"]] },
    "a.circle.example": { cname: "b.circle.example" },
    "b.circle.example": { cname: "a.circle.example" },
    "nul.example": { mx: [[10, "m\0x.nul.example"]] },
    "long.example": { mx: [[10, `${"x".repeat(63)}.${"y.".repeat(90)}example`]] },
    "dashes.example": { mx: [[10, "-rm -rf.dashes.example"]] },
  });
  const listeners = [{ port: 0, address: "127.0.0.1" }];
  const relaynetworks = ["127.0.0.1/32"];
  rig = await AttackRig.start({
    startup: {
      servers: [
        { id: "smtp", listeners },
        { id: "named", listeners },
      ],
    },
    group: {
      transports: [{ id: "default" }, { id: "notices", connection: { server: `127.0.0.1:${home.port}` } }],
    },
    app: {
      resolver: { servers: [dns.address] },
      servers: [
        { id: "smtp", transport: "default", relaynetworks },
        { id: "named", transport: "named", relaynetworks },
      ],
    },
    more: [{ id: "named", dsn: { transport: "notices" }, connection: {}, transports: [{ id: "named" }] }],
  });
});
after(async () => {
  await rig.stop();
  await home.stop();
  dns.stop();
});
afterEach(() => rig.hangUp());

async function send(address: string): Promise<void> {
  const client = await rig.reach("greeted", { port: rig.engine.mta.ports.get("named") ?? 0 });
  assert.match(await client.ask("MAIL FROM:<news@example.org>"), /^250 /);
  assert.match(await client.ask(`RCPT TO:<${address}>`), /^250 /);
  assert.match(await client.ask("BDAT 0 LAST"), /^250 /);
  client.socket.destroy();
}

const failing: readonly (readonly [entry: number, what: string, address: string, status: string])[] = [
  [47, "a literal of this machine", "a@[127.0.0.1]", "5.4.6"],
  [101, "a domain that takes no mail", "a@null.example", "5.1.10"],
  [101, "a domain that is not there", "a@nowhere.example", "5.1.2"],
  [101, "a domain that leads to this machine", "a@own.example", "5.4.6"],
  [101, "a domain at 0.0.0.0", "a@zero.example", "5.4.6"],
  [101, "this machine's address in the form of IPv6", "a@mapped.example", "5.4.6"],
  [101, "a mail host called localhost", "a@named.example", "5.4."],
  [101, "a domain whose best host is ourselves", "a@ourselves.example", "5.4.6"],
  [101, "aliases in a circle", "a@circle.example", "5.4.4"],
  [101, "a mail host with NUL in its name", "a@nul.example", "5.4.4"],
  [101, "a mail host with a name that is too long", "a@long.example", "5.4.4"],
  [101, "a mail host with blanks in its name", "a@dashes.example", "5.4.4"],
];
for (const [entry, what, address, status] of failing) {
  test(`${entry} ${what}`, async () => {
    const before = home.messages.length;
    await send(address);
    await until(
      () => home.messages.length,
      (count) => count === before + 1,
    );
    const [, said = ""] = /\r\nStatus: (\S+)\r\n/.exec(home.messages[before] ?? "") ?? [];
    assert.ok(said.startsWith(status), `${said} in place of ${status}`);
    await rig.assertServes();
  });
}

for (const [what, domain] of [
  ["a name server in trouble", "trouble.example"],
  ["a name server that refuses", "refused.example"],
] as const) {
  test(`101 ${what}`, async () => {
    await send(`a@${domain}`);
    const [waiting] = await until(
      () => queuedIn(rig.engine),
      ([first]) => first !== undefined && first.attempts >= 1,
    );
    assert.match(waiting?.lastReply ?? "", /^DNS gave no answer: MX of /);
    await rig.engine.admin("POST", "/v1/queue/bounce", { recipientDomain: domain });
    await rig.assertServes();
  });
}
