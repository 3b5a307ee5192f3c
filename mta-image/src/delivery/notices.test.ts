import assert from "node:assert/strict";
import { test } from "node:test";

import { CourierRig } from "../../testing/courier-rig.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import type { NoticeWishes } from "../message/notice-wishes.ts";

const dsn: NoticeWishes = {
  ret: "HDRS",
  envid: "a+2Bb",
  recipients: [null, { notify: ["SUCCESS", "DELAY"], orcpt: "rfc822;bob+2Bx@example.net" }],
};

async function send(
  keywords: readonly string[],
): Promise<{ lines: string[]; success: (string | undefined)[] }> {
  const host = await ScriptedHost.start();
  host.keywords = keywords;
  const rig = new CourierRig(host.port);
  try {
    const outcomes = await rig.outcomes({ to: ["ann@example.net", "bob@example.net"], dsn });
    const lines = host.lines.filter((line) => /^(MAIL|RCPT)/.test(line));
    return { lines, success: outcomes.map((outcome) => outcome.success) };
  } finally {
    await rig.courier.close(0);
    await host.stop();
  }
}

for (const keywords of [["DSN"], ["PIPELINING", "DSN"]]) {
  test(`a host that offers ${keywords.join(" and ")} is told what the sender wants to hear, and reports it`, async () => {
    const { lines, success } = await send(keywords);
    assert.deepEqual(lines, [
      "MAIL FROM:<news@example.org> RET=HDRS ENVID=a+2Bb",
      "RCPT TO:<ann@example.net>",
      "RCPT TO:<bob@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob+2Bx@example.net",
    ]);
    assert.deepEqual(success, ["reported", "reported"]);
  });
}

test("a host that does not offer DSN hears nothing of it, and we report", async () => {
  const { lines, success } = await send(["PIPELINING"]);
  assert.deepEqual(lines, [
    "MAIL FROM:<news@example.org>",
    "RCPT TO:<ann@example.net>",
    "RCPT TO:<bob@example.net>",
  ]);
  assert.deepEqual(success, [undefined, undefined]);
});

test("mail that requires TLS never goes out in the clear, and mail beside it does", async () => {
  const host = await ScriptedHost.start();
  const rig = new CourierRig(host.port);
  try {
    assert.deepEqual(await rig.deliver({ requireTls: true }), [
      "deferred 4.7.4 TLS is required and was not offered (127.0.0.1:PORT)".replace(
        "PORT",
        String(host.port),
      ),
    ]);
    assert.doesNotMatch(host.words, /MAIL/);
    assert.match((await rig.deliver())[0] ?? "", /^delivered /);
  } finally {
    await rig.courier.close(0);
    await host.stop();
  }
});

for (const { offered, said } of [
  { offered: "DELIVERBY", said: " BY=90;RT" },
  { offered: "MT-PRIORITY", said: " MT-PRIORITY=3" },
]) {
  test(`a host that offers ${offered} hears what the sender asked`, async () => {
    const host = await ScriptedHost.start();
    host.keywords = ["DELIVERBY", offered];
    const rig = new CourierRig(host.port);
    try {
      const deliverBy = { seconds: 90, mode: "return" as const, trace: true };
      await rig.outcomes({ deliverBy, priority: 3 });
      const mail = host.lines.find((line) => line.startsWith("MAIL"));
      assert.ok(mail?.includes(said), mail ?? "no MAIL");
    } finally {
      await rig.courier.close(0);
      await host.stop();
    }
  });
}

test("mail that is wanted back by a time never goes to a host that does not keep it", async () => {
  const host = await ScriptedHost.start();
  const rig = new CourierRig(host.port);
  try {
    const deliverBy = { seconds: 90, mode: "return" as const, trace: false };
    const [outcome] = await rig.outcomes({ deliverBy });
    assert.deepEqual([outcome?.kind, outcome?.status], ["failed", "5.4.7"]);
    const [told] = await rig.outcomes({ deliverBy: { ...deliverBy, mode: "notify" } });
    assert.equal(told?.kind, "delivered");
    assert.equal(host.messages.length, 1);
  } finally {
    await rig.courier.close(0);
    await host.stop();
  }
});

test("mail that has waited for its connection behind its time is not sent, and says for how late it is where it may be", async () => {
  const host = await ScriptedHost.start();
  host.keywords = ["DELIVERBY"];
  const rig = new CourierRig(host.port);
  try {
    const late = { seconds: 0, mode: "return" as const, trace: false };
    const [outcome] = await rig.outcomes({ deliverBy: late });
    assert.deepEqual([outcome?.kind, outcome?.status, host.messages.length], ["failed", "5.4.7", 0]);
    await rig.outcomes({ deliverBy: { ...late, seconds: -7, mode: "notify" } });
    assert.ok(host.lines.some((line) => line.startsWith("MAIL") && line.includes(" BY=-7;N")));
  } finally {
    await rig.courier.close(0);
    await host.stop();
  }
});
