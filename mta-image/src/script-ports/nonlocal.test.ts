/** Sockets and mail of scripts from addresses that are not this system's, over the real addon. Wants root, for a network of its own. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { buildNative } from "../../testing/native-plugins.ts";
import { linesOf } from "../../testing/script-lines.ts";

const sockets = fileURLToPath(new URL("../../testing/nonlocal-child.ts", import.meta.url));
const mail = fileURLToPath(new URL("../../testing/nonlocal-mail-child.ts", import.meta.url));
const isAllowed = spawnSync("unshare", ["-n", "ip", "link", "set", "lo", "up"]).status === 0;

test("a socket leaves from an address of others where the script says nonlocal", { skip: !isAllowed }, () => {
  assert.deepEqual(outOf(sockets), {
    // EADDRNOTAVAIL, EINVAL for the other family, ECONNREFUSED.
    said: ["99", "[0=>none,1=>22]", "1", "hello|", "[0=>none,1=>111]"],
    seen: ["datagram from 192.0.2.77", "connection from 192.0.2.77"],
  });
});

test("mail leaves from an address of others where Try() or a server says so", { skip: !isAllowed }, () => {
  const { peers, replies } = outOf(mail) as Record<string, string[]>;
  assert.deepEqual(peers, ["192.0.2.77", "nobody", "192.0.2.77"]);
  assert.match(
    replies?.join() ?? "",
    /^delivered,Connection failed: EADDRNOTAVAIL \(.*\),\[-1,1,250,"192.0.2.77"\]$/,
  );
});

/** What it prints, in a network of its own. */
function outOf(child: string): unknown {
  buildNative();
  const flags = ["--disable-warning=ExperimentalWarning"];
  const out = execFileSync("unshare", ["-n", process.execPath, ...flags, child], {
    encoding: "utf8",
  });
  return JSON.parse(out);
}

test("without an engine nonlocal is refused", async () => {
  assert.deepEqual(
    await linesOf(
      `try { Socket("AF_INET", "SOCK_STREAM")->bind("192.0.2.77", 0, ["nonlocal" => true]); } catch ($e) { echo $e->message(); }
       echo isset(Socket("AF_INET", "SOCK_STREAM")->bind("192.0.2.77", 0, ["nonlocal" => false]));`,
      {},
    ),
    ["the option nonlocal of bind is to be had in the engine alone", "true"],
  );
});
