import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { commandLine, isSendableAddress, mailCommand, rcptCommand } from "./command.ts";

const plain = {
  sizeBytes: null,
  eightBit: false,
  smtpUtf8: false,
  dsn: null,
  requireTls: false,
  deliverBy: null,
  priority: 0,
};
const controls = ["\r", "\n", "\0", "\x1f", "\x7f", "\x85", "\u2028", "\u2029"];

describe("a command", () => {
  test("with anything in it that could end its line is never made, wherever that stands", () => {
    for (const control of controls) {
      const address = `a${control}b@example.net`;
      const unsafe = { code: "unsafe-command", transient: false };
      assert.throws(() => commandLine(`X${control}`), unsafe);
      assert.throws(() => mailCommand(address, plain), unsafe);
      assert.throws(() => mailCommand("a@example.net", plain, { X: control }), unsafe);
      assert.throws(
        () => mailCommand("a@example.net", { ...plain, dsn: { ret: null, envid: control, recipients: [] } }),
        unsafe,
      );
      assert.throws(() => rcptCommand(address), unsafe);
      assert.throws(() => rcptCommand("a@example.net", null, { [control]: "" }), unsafe);
    }
    assert.equal(commandLine("X jörg"), "X jörg\r\n");
  });

  test("says what follows from the message, whatever a script wants said", () => {
    const all = { ...plain, sizeBytes: 7, eightBit: true, smtpUtf8: true, requireTls: true, priority: 3 };
    const ours = "MAIL FROM:<a@example.net> SIZE=7 BODY=8BITMIME SMTPUTF8 REQUIRETLS";
    assert.equal(mailCommand("a@example.net", all), `${ours} MT-PRIORITY=3\r\n`);
    const said = { SIZE: "1", BODY: "7BIT", SMTPUTF8: "", REQUIRETLS: "", RET: "HDRS", X: "" };
    assert.equal(mailCommand("a@example.net", all, said), `${ours} RET=HDRS X\r\n`);
    assert.equal(mailCommand("a@example.net", plain, said), "MAIL FROM:<a@example.net> RET=HDRS X\r\n");
  });
});

test("what the sender asked for stands behind the address, and in a script's place of it what that says", () => {
  const dsn = { ret: "HDRS", envid: "x+2B", recipients: [] } as const;
  const deliverBy = { seconds: 9, mode: "return", trace: true } as const;
  const asked = { ...plain, dsn, deliverBy };
  assert.equal(mailCommand("", asked), "MAIL FROM:<> BY=9;RT RET=HDRS ENVID=x+2B\r\n");
  const told = { ...plain, deliverBy: { seconds: -1, mode: "notify", trace: false } } as const;
  assert.equal(mailCommand("", told), "MAIL FROM:<> BY=-1;N\r\n");
  assert.equal(mailCommand("", asked, { X: "1" }), "MAIL FROM:<> X=1\r\n");
  const wishes = { notify: ["FAILURE", "DELAY"], orcpt: "rfc822;b@x" } as const;
  const rcpt = "RCPT TO:<b@x> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@x\r\n";
  assert.equal(rcptCommand("b@x", wishes), rcpt);
  assert.equal(rcptCommand("b@x", { notify: null, orcpt: null }), "RCPT TO:<b@x>\r\n");
  assert.equal(rcptCommand("b@x", wishes, { NOTIFY: "NEVER" }), "RCPT TO:<b@x> NOTIFY=NEVER\r\n");
});

test("an address is sent only where nothing in it reads as the end of its path", () => {
  const good = [
    "",
    "a".repeat(1000),
    "a@example.net",
    '"a b>"@example.net',
    "jörg@example.net",
    '"ö "@example.net',
  ];
  const bad = [
    "a b@example.net",
    "a>@example.net",
    "ö >@example.net",
    '"a"b >"@example.net',
    '"a"@x y',
    "a".repeat(1001),
  ];
  assert.deepEqual(
    good.filter((address) => !isSendableAddress(address)),
    [],
  );
  assert.deepEqual(bad.filter(isSendableAddress), []);
  for (const control of controls) assert.equal(isSendableAddress(`"a${control}"@example.net`), false);
});
