/**
 * Mail of an engine from an address which nobody here has, in a network of its own: run within `unshare -n`, it prints as JSON
 * whom the host saw, and what was said of the recipients. Any trouble ends it with a stack.
 */
import { execFileSync } from "node:child_process";

import { queuedIn, sendTo } from "./engine-mail.ts";
import { startEngine } from "./harness.ts";
import { ScriptedHost } from "./scripted-host.ts";
import { until } from "./until.ts";

const OURS_NOT = "192.0.2.77";

execFileSync("ip", ["link", "set", "lo", "up"]);
// What comes back finds its way, and the address is still none of this system: it stands in no table that bind() looks at.
execFileSync("ip", ["route", "add", "local", `${OURS_NOT}/32`, "dev", "lo", "table", "100"]);
execFileSync("ip", ["rule", "add", "iif", "lo", "lookup", "100"]);

const host = await ScriptedHost.start();
const predelivery = `
  $far = ["sourceip" => "${OURS_NOT}", "nonlocal_source" => true];
  if ($message["recipientaddress"]["localpart"] != "asked")
    Try($message["recipientaddress"]["localpart"] == "far" ? $far : ["sourceip" => "${OURS_NOT}"]);
  $server = ["host" => "127.0.0.1:${host.port}", "sourceip" => "${OURS_NOT}"];
  $verdicts = [smtp_lookup_rcpt($server, "", "a@example.net"), smtp_lookup_rcpt([...$server, ...$far], "", "a@example.net")];
  $sent = MIME()->setBody("x")->send("", ["a@example.net"], [...$server, ...$far]);
  Queue(["delay" => 3600, "reason" => json_encode([...$verdicts, $sent["result"]["code"], $sent["connection"]["localip"]])]);
`;
const engine = await startEngine({
  server: `127.0.0.1:${host.port}`,
  app: { scripting: { hooks: { predelivery, postdelivery: "Default();" } } },
});

const peers: string[] = [];
const replies: string[] = [];
for (const name of ["far", "near", "asked"]) {
  host.lastPeer = "nobody";
  await sendTo(engine, `${name}@example.net`);
  const left = await until(
    () => queuedIn(engine),
    (entries) => entries.every(({ attempts }) => attempts > 0) && (name !== "far" || entries.length === 0),
  );
  const entry = left.find(({ recipient }) => recipient.startsWith(name));
  peers.push(host.lastPeer);
  replies.push(entry?.lastReply ?? "delivered");
}
process.stdout.write(JSON.stringify({ peers, replies }));
process.exit(0);
