import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { SpamhausConfig } from "#contract/spamhaus-config.ts";

import { type Rbldnsd, hasRbldnsd, startRbldnsd } from "../../testing/rbldnsd.ts";
import { mergeHosts } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";
import { defaultLimits } from "../script/limits.ts";
import { compile, run } from "../script/machine.ts";
import { noFiles } from "../script/module.ts";
import { spamhausHost } from "./script-functions.ts";
import { Spamhaus } from "./spamhaus.ts";
import { quietWorld } from "../../testing/quiet-world.ts";

const KEY = "abcdefghijklmnopqrstuvwxyz";
const REFUSED = "zyxwvutsrqponmlkjihgfedcba";

/** What a script says with echo. */
async function said(spamhaus: Spamhaus, source: string): Promise<string> {
  const lines: string[] = [];
  const world = {
    ...quietWorld(),
    echo: (line: string) => void lines.push(line),
  };
  const host = mergeHosts(libraryHost, spamhausHost(spamhaus));
  const outcome = await run(compile("t", source, host, noFiles), {
    world,
    variables: {},
    limits: { ...defaultLimits, wallMs: 10_000 },
  });
  return outcome.error === null ? lines.join("\n") : outcome.error.message;
}

describe("spamhaus() in scripts", { skip: hasRbldnsd() ? false : "rbldnsd is not installed" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "scripted-"));
  let daemon: Rbldnsd;
  const opened: Spamhaus[] = [];
  before(async () => {
    daemon = await startRbldnsd([KEY], [REFUSED]);
  });
  after(async () => {
    for (const each of opened) each.close();
    rmSync(folder, { recursive: true });
    await daemon.stop();
  });

  async function open(key: string, change: Record<string, unknown> = {}): Promise<Spamhaus> {
    const keyfile = join(folder, `key-${opened.length}`);
    writeFileSync(keyfile, key);
    const spamhaus = new Spamhaus({ clock: systemClock, log: silentLog });
    opened.push(spamhaus);
    const lists = ["zen", "authbl", "dbl", "zrd", "hbl"];
    const config = SpamhausConfig.parse({ keyfile, lists, resolvers: [daemon.server], ...change });
    (await spamhaus.prepare(config, []))();
    return spamhaus;
  }

  const show = (type: string, subject: string): string =>
    `$a = spamhaus("${type}", ${subject}); foreach ($a["result"] as $l) { echo $l["list"] . " " . $l["code"] . " " . $l["name"] . " " . $l["action"]; }`;

  for (const [type, subject, wanted] of [
    ["ip", '"198.51.100.4"', "zen 127.0.0.3 css reject\nzen 127.0.0.4 xbl reject"],
    ["login", '"198.51.100.20"', "authbl 127.0.0.20 authbl reject"],
    ["domain", '"www.Bad.example"', "dbl 127.0.1.2 spam reject"],
    ["domain", '"a.fresh.example"', "zrd 127.0.2.2 very-fresh tag"],
    ["email", '"User+tag@hbltest.com"', "hbl 127.0.3.2 email reject"],
    ["url", '"https://www.hbltest.com/test?x"', "hbl 127.0.3.30 url reject"],
    ["wallet", '"1BoatSLRHtKNngkdXEeobR76b53LETtpyT"', "hbl 127.0.3.20 wallet reject"],
    ["ip", '"10.0.0.1"', ""],
    ["domain", '"192.0.2.1"', ""],
    ["email", '"nobody"', ""],
    ["url", '"http://"', ""],
  ] as const)
    test(`${type} ${subject} gives ${wanted === "" ? "nothing" : wanted.split("\n").length}`, async () => {
      assert.equal(await said(await open(KEY), show(type, subject)), wanted);
    });

  test("a file is hashed as its bytes are", async () => {
    const eicar = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE", "!$H+H*"].join("");
    const source = show("file", `base64_decode("${Buffer.from(eicar).toString("base64")}")`);
    assert.equal(await said(await open(KEY), source), "hbl 127.0.3.10 malware reject");
  });

  test("the actions of the configuration are told, and lists that are not configured are not asked", async () => {
    const spamhaus = await open(KEY, { lists: ["hbl"], actions: { hbl: "defer" } });
    assert.equal(await said(spamhaus, show("email", '"user@hbltest.com"')), "hbl 127.0.3.2 email defer");
    assert.equal(await said(spamhaus, show("domain", '"bad.example"')), "");
  });

  test("trouble is an error and no listing, and a type that is none ends in an exception", async () => {
    const error = 'echo spamhaus("ip", "198.51.100.4")["error"];';
    assert.equal(await said(await open(REFUSED), error), "key-refused");
    const off = new Spamhaus({ clock: systemClock, log: silentLog });
    assert.equal(await said(off, error), "off");
    const wrong = 'try { spamhaus("colour", "red"); } catch ($e) { echo $e->toString(); }';
    assert.match(await said(off, wrong), /knows ip, login, domain/);
  });

  test("the building blocks make the names that spamhaus() asks", async () => {
    const source = `
      echo inet_reverse("198.51.100.4", "${KEY}.zen.dq.spamhaus.net");
      echo str_replace("=", "", base32_encode(sha2("user@hbltest.com", 256, ["binary" => true]))) . "._email.${KEY}.hbl.dq.spamhaus.net";`;
    assert.equal(
      await said(await open(KEY), source),
      `4.100.51.198.${KEY}.zen.dq.spamhaus.net\nF3PDGTMWU6LFIGDJC67YNIWRY5ZRM7ERLETNFO36QAEQPMBPW2DA._email.${KEY}.hbl.dq.spamhaus.net`,
    );
  });
});
