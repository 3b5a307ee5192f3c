/**
 * A host that refuses, puts off, says goodbye and hangs up wherever chance wants it, and remembers what it said of each recipient:
 * what becomes of mail is never other than that.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { type Random, seededRandom } from "#base/random.ts";

import { CourierRig, inPieces } from "../../testing/courier-rig.ts";
import { type HostReply, ScriptedHost } from "../../testing/scripted-host.ts";
import type { Outcome } from "../queue/courier.ts";

const MESSAGES = 20;
const FAULTS = ["cut", "goodbye", "later", "no", "later", "no"] as const;
type Fault = (typeof FAULTS)[number] | null;

/** The state of one connection. */
interface Talk {
  isOpen: boolean;
  /** Of the open transaction. */
  taken: string[];
}

class FickleHost {
  /** Recipients whose message it has taken, and how often. */
  readonly taken = new Map<string, number>();
  /** Recipients that it has refused, or whose sender or message. */
  readonly refused = new Set<string>();
  readonly #talks = new Map<number, Talk>();
  readonly #random: Random;
  readonly #chance: number;

  constructor(random: Random, chance: number) {
    this.#random = random;
    this.#chance = chance;
  }

  answer(line: string, connection: number): HostReply {
    const talk = this.#talks.get(connection) ?? { isOpen: false, taken: [] };
    this.#talks.set(connection, talk);
    const [, verb = "", address = ""] = /^([A-Z]+|\.)[^<]*<?([^>]*)/.exec(line) ?? [];
    const isFaulty = ["MAIL", "RCPT", "DATA", "."].includes(verb) && this.#random() < this.#chance;
    const fault = isFaulty ? (FAULTS[Math.floor(this.#random() * FAULTS.length)] ?? null) : null;
    if (fault === "cut") return "cut";
    if (fault === "goodbye") return "421 4.3.2 bye\r\n";
    if (verb === "MAIL") return this.#mail(talk, fault);
    if (verb === "RCPT") return this.#rcpt(talk, fault, address);
    if (verb === "DATA") return this.#judge(talk, fault);
    if (verb === ".") return this.#end(talk, fault);
    if (verb === "RSET") Object.assign(talk, { isOpen: false, taken: [] });
    return undefined;
  }

  #mail(talk: Talk, fault: Fault): HostReply {
    Object.assign(talk, { isOpen: fault === null, taken: [] });
    return fault === null
      ? undefined
      : `${fault === "no" ? "550 5.7.1 no sender" : "451 4.7.1 sender later"}\r\n`;
  }

  #rcpt(talk: Talk, fault: Fault, address: string): HostReply {
    if (!talk.isOpen) return "503 5.5.1 no sender\r\n";
    if (fault === "later") return "450 4.2.1 later\r\n";
    if (fault === "no") this.refused.add(address);
    else talk.taken.push(address);
    return fault === "no" ? "550 5.1.1 unknown\r\n" : undefined;
  }

  #judge({ taken }: Talk, fault: Fault): HostReply {
    // A host may take DATA all the same (RFC 2920 3.1).
    if (taken.length === 0) return this.#random() < 0.5 ? "503 5.5.1 no recipients\r\n" : undefined;
    if (fault === "no") for (const address of taken) this.refused.add(address);
    return fault === null ? undefined : `${fault === "no" ? "554 5.6.0 no" : "451 4.3.0 later"}\r\n`;
  }

  #end(talk: Talk, fault: Fault): HostReply {
    const { taken } = talk;
    Object.assign(talk, { isOpen: false, taken: [] });
    if (taken.length === 0) return "554 5.5.1 no recipients\r\n";
    if (fault !== null) return this.#judge({ isOpen: true, taken }, fault);
    for (const address of taken) this.taken.set(address, (this.taken.get(address) ?? 0) + 1);
    return undefined;
  }
}

function isTrue(
  { kind, reply }: Outcome,
  said: { readonly times: number; readonly isRefused: boolean },
): boolean {
  if (kind === "delivered") return said.times === 1;
  if (kind === "unclear") return said.times <= 1;
  return (
    said.times === 0 && (kind === "deferred" || said.isRefused || reply.startsWith("550 5.7.1 no sender"))
  );
}

for (const keywords of [["PIPELINING"], []])
  test(`whatever a host does, mail becomes what it said of it (${keywords[0] ?? "a command at a time"})`, async (t) => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = seededRandom(seed);
      const host = await ScriptedHost.start();
      t.after(() => host.stop());
      const fickle = new FickleHost(random, [0.02, 0.1, 0.2][seed % 3] ?? 0);
      host.keywords = keywords;
      host.answer = ({ line, connection }) => fickle.answer(line, connection);
      const settings = { maxConnections: 1 + (seed % 3), maxTransactions: seed % 2 === 0 ? 3 : 1000 };
      const rig = new CourierRig(host.port, { settings });
      t.after(() => rig.courier.close(0));
      await Promise.all(
        Array.from({ length: MESSAGES }, async (_, n) => {
          const to = Array.from({ length: 1 + (n % 3) }, (_each, k) => `r${n}-${k}@example.net`);
          const content =
            n % 4 === 0 ? inPieces("Subject: x\r\n\r\n", "y\r\n".repeat(9000)) : "Subject: x\r\n\r\nz\r\n";
          const outcomes = await rig.outcomes({ to, content });
          for (const [at, outcome] of outcomes.entries()) {
            const address = to[at] ?? "";
            const said = { times: fickle.taken.get(address) ?? 0, isRefused: fickle.refused.has(address) };
            assert.ok(isTrue(outcome, said), `${seed} ${address} ${JSON.stringify([outcome, said])}`);
          }
        }),
      );
    }
  });
