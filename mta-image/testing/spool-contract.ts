/**
 * What every spool must do (spool.ts), as tests run against one implementation. `open` opens the spool of one
 * place; called again after `close`, it is the next process on the same place.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import type { LiveMail, Spool } from "#mta/spool/spool.ts";
import { makeDraft, makeState } from "./messages.ts";

export interface SpoolPlace {
  open(): Promise<Spool>;
}

export async function recovered(spool: Spool): Promise<LiveMail[]> {
  const found: LiveMail[] = [];
  for await (const message of spool.recover()) found.push(message);
  return found;
}

export async function bytesOf(spool: Spool, id: string): Promise<Buffer> {
  const content = await spool.read(id);
  if (content.kind === "memory") return content.bytes;
  const parts: Buffer[] = [];
  for await (const chunk of content.chunks()) parts.push(chunk);
  return Buffer.concat(parts);
}

export function spoolContract(kind: string, makePlace: () => Promise<SpoolPlace>): void {
  const contract = (statement: string, run: (place: SpoolPlace) => Promise<void>): void =>
    void test(`${kind} spool: ${statement}`, async () => run(await makePlace()));

  contract("a committed message is found again with envelope, origin and bytes", async (place) => {
    const draft = makeDraft({
      envelope: { recipients: ["ann@example.net", "jörg@例え.example"], smtpUtf8: true },
      content: Buffer.from([0, 255, 13, 10, 0x4d, 0x46, 0x52, 0x31]),
    });
    const first = await place.open();
    await first.commit(draft);
    await first.close();
    const second = await place.open();
    const [message, ...others] = await recovered(second);
    assert.ok(message);
    assert.equal(others.length, 0);
    assert.deepEqual(message.envelope, draft.envelope);
    assert.deepEqual(message.origin, draft.origin);
    assert.deepEqual(
      message.recipients.map((recipient) => recipient?.address),
      draft.envelope.recipients,
    );
    assert.deepEqual(await bytesOf(second, draft.id), draft.content);
    await second.close();
  });

  contract("a state is found again as it was last told", async (place) => {
    const draft = makeDraft();
    const first = await place.open();
    await first.commit(draft);
    first.update(draft.id, 0, makeState({ attempts: 1, lastReply: "451 later" }));
    const last = makeState({ attempts: 2, status: "hold", lastReply: 'quote " and \\', dueAt: 5 });
    first.update(draft.id, 0, last);
    await first.close();
    const second = await place.open();
    assert.deepEqual((await recovered(second))[0]?.recipients[0]?.state, last);
    await second.close();
  });

  contract("a settled recipient stays settled and the message goes with its last one", async (place) => {
    const draft = makeDraft({ envelope: { recipients: ["ann@example.net", "bob@example.net"] } });
    const first = await place.open();
    await first.commit(draft);
    first.settle(draft.id, 0);
    await first.close();
    const second = await place.open();
    assert.deepEqual(
      (await recovered(second))[0]?.recipients.map((recipient) => recipient?.address ?? null),
      [null, "bob@example.net"],
    );
    second.settle(draft.id, 1);
    await assert.rejects(second.read(draft.id), { code: "message-unknown" });
    await second.close();
    const third = await place.open();
    assert.deepEqual(await recovered(third), []);
    await third.close();
  });

  contract("a body file is read back whole, and goes with its message", async (place) => {
    const spool = await place.open();
    const draft = makeDraft();
    const body = await spool.createBody(draft.id);
    const pieces = Array.from({ length: 5 }, (_, i) => Buffer.alloc(50_000, i + 65));
    for (const piece of pieces) await body.write(piece);
    const message = await spool.commit({ ...draft, content: body });
    assert.equal(message.sizeBytes, 250_000);
    assert.deepEqual(await bytesOf(spool, draft.id), Buffer.concat(pieces));
    await spool.close();
    const next = await place.open();
    assert.deepEqual(await bytesOf(next, draft.id), Buffer.concat(pieces));
    next.settle(draft.id, 0);
    await next.close();
    const last = await place.open();
    assert.deepEqual(await recovered(last), []);
    await last.close();
  });

  contract("a body file takes bytes in front of what was written", async (place) => {
    const spool = await place.open();
    const draft = makeDraft();
    const body = await spool.createBody(draft.id);
    const pieces = Array.from({ length: 5 }, (_, i) => Buffer.alloc(50_000, i + 65));
    for (const piece of pieces) await body.write(piece);
    const head = Buffer.from("X-First: yes\r\n");
    await body.prepend(head);
    await body.write(Buffer.from("end"));
    const message = await spool.commit({ ...draft, content: body });
    const whole = Buffer.concat([head, ...pieces, Buffer.from("end")]);
    assert.equal(message.sizeBytes, whole.length);
    await spool.close();
    const next = await place.open();
    assert.deepEqual(await bytesOf(next, draft.id), whole);
    await next.close();
  });

  contract("updates and settlements of what is unknown or settled are harmless", async (place) => {
    const spool = await place.open();
    const draft = makeDraft();
    spool.update(draft.id, 0, makeState());
    spool.settle(draft.id, 0);
    await spool.commit(draft);
    spool.settle(draft.id, 7);
    spool.settle(draft.id, 0);
    spool.settle(draft.id, 0);
    spool.update(draft.id, 0, makeState());
    assert.equal(spool.figures().messages, 0);
    await spool.close();
  });

  contract("commits that come together are all kept", async (place) => {
    const spool = await place.open();
    const drafts = Array.from({ length: 200 }, () => makeDraft());
    await Promise.all(drafts.map((draft) => spool.commit(draft)));
    await spool.close();
    const next = await place.open();
    assert.deepEqual(
      (await recovered(next)).map((message) => message.id),
      drafts.map((draft) => draft.id),
    );
    await next.close();
  });

  contract("after close everything is refused with spool-closed", async (place) => {
    const spool = await place.open();
    const closing = spool.close();
    await assert.rejects(spool.commit(makeDraft()), { code: "spool-closed" });
    await closing;
    await assert.rejects(spool.commit(makeDraft()), { code: "spool-closed" });
    await assert.rejects(spool.createBody(makeDraft().id), { code: "spool-closed" });
  });
}
