/** What scripts are shown becomes arrays when one looks; when that is, and whether at all, must not show. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "#base/clock.ts";

import { hooksOf } from "../../testing/hook-scripts.ts";
import { makeLogLines } from "../../testing/log-lines.ts";
import { NO_MAIL, NO_RCPT } from "../smtp/parameters.ts";
import { ConnectionHooks } from "./connection-hooks.ts";
import { makeHookFigures } from "./figures.ts";
import { HookRunner } from "./runner.ts";
import type { SessionHook } from "./stages.ts";
import type { Answer } from "./verdict.ts";

interface Conversation {
  readonly hooks: ConnectionHooks;
  /** What the script at MAIL says no with; null when it says yes. */
  readonly mail: (sender: string) => string | null;
  readonly rcpt: (recipient: string) => string | null;
}

function converse(scripts: Partial<Record<SessionHook, string>>): Conversation {
  const runner = new HookRunner({
    clock: systemClock,
    random: () => 0.5,
    log: makeLogLines().log,
    figures: makeHookFigures(),
    hostname: () => "mx.example.org",
    hasTransport: () => true,
  });
  const facts = { id: "s", serverId: "in", remoteIp: "192.0.2.1", remotePort: 1, localIp: "192.0.2.2" };
  const more = { localPort: 25, remoteUid: null, proxyIp: null, proxyTlv: null };
  const hooks = new ConnectionHooks(hooksOf(scripts), runner, { ...facts, ...more });
  const said = (answer: unknown): string | null => {
    const { kind, reply } = answer as Answer<unknown>;
    return kind === "refuse" ? reply.bytes.toString().trimEnd().slice("554 5.7.1 ".length) : null;
  };
  const rcpt = (address: string): string | null => {
    const domain = address.slice(address.indexOf("@") + 1);
    const words = said(
      hooks.rcptTo({ address, domain, parameters: NO_RCPT, transportId: "default", isRelay: true }),
    );
    if (words === null) hooks.tookRecipient(address, NO_RCPT, "default");
    return words;
  };
  return { hooks, mail: (sender) => said(hooks.mailFrom(sender, NO_MAIL)), rcpt };
}

test("what a script keeps without looking at it is what it was then", () => {
  const { mail, rcpt } = converse({
    rcptto: `$context[] = $transaction["senderaddress"]; $context[] = $transaction["recipients"][0]["address"] ?? none;`,
    mailfrom: `if ($context) Reject($context[0]["localpart"] . " " . $context[3]["localpart"]);`,
  });
  assert.equal(mail("first@example.org"), null);
  assert.equal(rcpt("ann@example.net"), null);
  assert.equal(rcpt("bob@example.net"), null);
  assert.equal(mail("second@example.org"), "first ann");
});

test("a transaction that a script keeps has the recipients and the sender of that moment", () => {
  const { mail, rcpt } = converse({
    mailfrom: `
      $counts = array_map(function ($kept) { return count($kept["recipients"]); }, $context ?? []);
      if (count($counts) > 1) Reject(array_join($counts, " ") . " " . ($context[0]["sender"] ?? "none"));
      $context[] = $transaction;`,
    rcptto: `$context[] = $transaction;`,
  });
  assert.equal(mail("first@example.org"), null);
  assert.equal(rcpt("ann@example.net"), null);
  assert.equal(rcpt("bob@example.net"), null);
  assert.equal(mail("second@example.org"), "0 0 1 none");
});

test("a transaction has all its words, in order", () => {
  const keys = (array: string): string => `array_join(array_keys(${array}), " ")`;
  const { mail, rcpt } = converse({
    mailfrom: `if ($arguments["sender"] == "no@example.org") Reject(${keys("$transaction")});`,
    rcptto: `if (count($transaction["recipients"]))
      Reject(${keys("$transaction")} . ", " . ${keys(`$transaction["recipients"][0]`)});`,
  });
  assert.equal(mail("no@example.org"), "id ts recipients");
  assert.equal(mail("yes@example.org"), null);
  assert.equal(rcpt("ann@example.net"), null);
  const words = "id ts sender senderaddress senderparams recipients";
  assert.equal(rcpt("bob@example.net"), `${words}, recipient address params transportid`);
});

test("what a script writes into what nobody has looked at stays its own", () => {
  const { mail, rcpt } = converse({
    rcptto: `
      $copy = $transaction["senderaddress"];
      $copy["localpart"] = "copy";
      $transaction["senderparams"]["SIZE"] = "7";
      $connection["helo"]["host"] = "else";
      if ($arguments["recipient"] == "last@example.net")
        Reject($transaction["senderaddress"]["localpart"] . " " . count($transaction["recipients"]));
      $transaction["recipients"][] = "more";`,
    mailfrom: `if ($arguments["sender"] == "again@example.org") Reject($connection["helo"]["host"] ?? "none");`,
  });
  assert.equal(mail("sender@example.org"), null);
  assert.equal(rcpt("ann@example.net"), null);
  assert.equal(rcpt("last@example.net"), "sender 1");
  assert.equal(mail("again@example.org"), "none");
});

test("the connection has what was learnt of it, in order, whoever asked in between", () => {
  const { hooks, mail } = converse({ mailfrom: `Reject(array_join(array_keys($connection), " "));` });
  const known = "id priority remoteip remoteport localip localport serverid";
  assert.equal(mail("a@example.org"), known);
  void hooks.hello({ verb: "EHLO", host: "client.example.org", extensions: [] });
  hooks.loggedIn("PLAIN", "ann");
  void hooks.hello({ verb: "HELO", host: "other.example.org", extensions: [] });
  assert.equal(mail("a@example.org"), `${known} helo auth`);
  hooks.secured({ description: "TLSv1.3 TLS_AES_256_GCM_SHA384", serverName: null, certificate: null });
  assert.equal(mail("a@example.org"), `${known} tls`);
});
