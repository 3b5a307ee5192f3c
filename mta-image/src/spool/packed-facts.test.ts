import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { isId, joinId, makeId, splitId } from "#base/ids.ts";

import { type Envelope, type Origin, domainOf } from "../message/envelope.ts";
import { FactsPacker } from "./packed-facts.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("", "@", "a@b", "1", "@@"),
);
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const word = fc.constantFrom("NEVER" as const, "SUCCESS" as const);
const wishes = fc.option(
  fc.record({ notify: fc.option(fc.array(word, { maxLength: 1 })), orcpt: fc.option(text) }),
);

const envelope: fc.Arbitrary<Envelope> = fc.record({
  sender: text,
  recipients: fc.array(text, { minLength: 1, maxLength: 4 }),
  smtpUtf8: fc.boolean(),
  eightBit: fc.boolean(),
  transportId: text,
  jobId: optional(text),
  tenantId: optional(text),
  quotas: optional(fc.array(text, { maxLength: 3 })),
  dsn: optional(
    fc.record({
      ret: fc.constantFrom("FULL", "HDRS", null),
      envid: fc.option(text),
      recipients: fc.array(wishes),
    }),
  ),
  requireTls: optional(fc.boolean()),
  holdUntil: optional(fc.integer()),
  deliverBy: optional(
    fc.record({ at: fc.integer(), mode: fc.constantFrom("return", "notify"), trace: fc.boolean() }),
  ),
  priority: optional(fc.integer({ min: -9, max: 9 })),
});
const origin: fc.Arbitrary<Origin> = fc.record({
  kind: fc.constantFrom("smtp", "notice"),
  serverId: text,
  remoteIp: text,
  remotePort: fc.nat(65_535),
  helo: text,
  protocol: text,
  tls: fc.option(text),
  sessionId: fc.oneof(text, fc.nat(4_000_000_000_000).map(makeId)),
});
const receivedAt = fc.maxSafeNat();
const id = fc.oneof(text, fc.nat(4_000_000_000_000).map(makeId));

/** As the spool's records would give it back: what is undefined is not there. */
const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("whatever is packed comes back equal, also when others are packed in between", () => {
  const packer = new FactsPacker();
  fc.assert(
    fc.property(fc.array(fc.record({ id, receivedAt, envelope, origin }), { maxLength: 5 }), (all) => {
      const packed = all.map((facts) => packer.pack(facts));
      assert.deepEqual(
        packed.map((one) => packer.receivedAt(one)),
        all.map((facts) => facts.receivedAt),
      );
      assert.deepEqual(
        packed.map((one) => packer.id(one)),
        all.map((facts) => facts.id),
      );
      assert.deepEqual(
        packed.map((one) => packer.line(one)),
        all.map(({ envelope: { transportId, jobId, tenantId, recipients } }) => {
          return { transportId, jobId, tenantId, domains: recipients.map(domainOf) };
        }),
      );
      assert.deepEqual(
        packed.map((one) => packer.quotas(one)),
        all.map(({ envelope: { quotas = [] } }) => quotas),
      );
      assert.deepEqual(
        packed.map((one) => packer.addresses(one)),
        all.map(({ envelope: { sender, recipients } }) => ({ sender, recipients })),
      );
      for (const [i, facts] of all.entries()) assert.deepEqual(packer.unpack(packed[i] ?? ""), stored(facts));
    }),
  );
});

test("words beyond the bound of the list, and long ones, stand as they are", () => {
  const packer = new FactsPacker();
  const [facts] = fc.sample(fc.record({ id, receivedAt, envelope, origin }), { numRuns: 1, seed: 1 });
  assert.ok(facts !== undefined);
  const long = { ...facts, origin: { ...facts.origin, helo: "x".repeat(5000) } };
  assert.deepEqual(packer.unpack(packer.pack(long)), stored(long));
  for (let i = 0; i < 70_000; i++) packer.pack({ ...facts, origin: { ...facts.origin, helo: `h${i}` } });
  const late = { ...facts, origin: { ...facts.origin, helo: "late.example.org" } };
  assert.match(packer.pack(late), /late\.example\.org/);
  assert.deepEqual(packer.unpack(packer.pack(late)), stored(late));
});

test("ids that say when they were made are in that order, and of others nothing is said", () => {
  const packer = new FactsPacker();
  fc.assert(
    fc.property(fc.record({ id, receivedAt, envelope, origin }), (facts) => {
      const madeAt = packer.idMadeAt(packer.pack(facts));
      if (madeAt === null) return;
      assert.ok(isId(facts.id));
      assert.equal(madeAt, splitId(facts.id).ms);
    }),
  );
});

test("what an address holds, in any case, is never missed while it is packed", () => {
  const packer = new FactsPacker();
  const local = fc.string({ unit: fc.constantFrom(..."aAbB1.+$*[(@"), maxLength: 5 });
  const domain = fc.string({ unit: fc.constantFrom(..."aAbB1.-"), maxLength: 4 });
  const address = fc.tuple(local, domain).map((parts) => parts.join("@"));
  const mail = fc.record({ sender: address, recipients: fc.array(address, { minLength: 1, maxLength: 3 }) });
  const parts = fc.record({
    mails: fc.array(mail, { minLength: 1, maxLength: 3 }),
    from: fc.nat(8),
    length: fc.nat(5),
    further: fc.oneof(address, local),
    facts: fc.record({ id, receivedAt, envelope, origin }),
  });
  fc.assert(
    fc.property(parts, ({ mails, from, length, further, facts }) => {
      const packed = mails.map((one) => packer.pack({ ...facts, envelope: { ...facts.envelope, ...one } }));
      const whole = mails[0]?.recipients[0] ?? "";
      for (const part of [whole.slice(from, from + length).toUpperCase(), further].filter(
        (text) => text !== "",
      )) {
        const seeker = packer.seeker(part);
        for (const [i, { sender, recipients }] of mails.entries()) {
          const holds = [sender, ...recipients].some((text) =>
            text.toLowerCase().includes(part.toLowerCase()),
          );
          if (holds)
            assert.ok(packer.mayHold(packed[i] ?? "", seeker), `${part} in ${sender} ${recipients.join()}`);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test("what is packed stands as docs/spool-format.md has it, since snapshots of earlier versions are read", () => {
  const origin = { kind: "smtp", serverId: "in", remoteIp: "192.0.2.1", remotePort: 300, helo: "h" } as const;
  const packed = new FactsPacker().pack({
    id: joinId(998, "0123456789", 5),
    receivedAt: 1000,
    envelope: {
      ...{ sender: "ann@a.example", recipients: ["bob@a.example"], smtpUtf8: false, eightBit: true },
      ...{ transportId: "default", jobId: "j", tenantId: "t", quotas: ["q", "r"], priority: 3 },
    },
    origin: { ...origin, protocol: "ESMTPS", tls: "TLSv1.3", sessionId: "s" },
  });
  const [received, id, flags] = [[104 + 128, 7], [3, 1, 5], [2 + 4 + 8 + 16 + 32 + 64]];
  const line = [2, 3, 4, 2, 5, 6];
  const addresses = [1, 7, 3, "bob", 7, 3, "ann"];
  const from = [12, 13, 8, 44 + 128, 2, 9, 10, 11, 0, 1, "s"];
  const expected = [...received, ...id, ...flags, ...line, ...addresses, ...from, '{"priority":3}'];
  assert.equal(
    packed,
    expected.map((part) => (typeof part === "number" ? String.fromCharCode(part) : part)).join(""),
  );
});
