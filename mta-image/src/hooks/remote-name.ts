/**
 * The name of a client: what its address is called in DNS, counted only when that name leads back to the address (FCrDNS), with all
 * that DNS said on the way. Bounded in questions and time. Never rejects.
 */
import type { Clock } from "#base/clock.ts";

import { reverseName } from "../script/library/network.ts";
import type { DnsAnswer, DnsPort } from "../script/ports.ts";
import type { HslArray } from "../script/value.ts";
import { type Tree, arrayOf, bytesOf, listOf } from "./texts.ts";

export interface RemoteName {
  /** Null when no name leads back. */
  readonly name: string | null;
  /** `reverse` has `result` or `error`, `forward` the same for each name that was asked for. */
  readonly result: HslArray;
}

/** An address with a thousand names is no mail server. */
const MOST_NAMES = 5;
/** The client waits for its greeting. */
const LOOKUP_MS = 5_000;

export function findRemoteName(dns: DnsPort | undefined, ip: string, clock: Clock): Promise<RemoteName> {
  return new Promise((resolve) => {
    const late = (): void => resolve({ name: null, result: reverseOnly({ error: "TRY_AGAIN" }) });
    const timer = clock.after(LOOKUP_MS, late);
    const ended = ask(dns, ip).then(resolve, late);
    void ended.then(() => timer.cancel());
  });
}

async function ask(dns: DnsPort | undefined, ip: string): Promise<RemoteName> {
  const name = reverseName(ip, undefined);
  if (dns === undefined || name === null) return { name: null, result: reverseOnly({ error: "NXDOMAIN" }) };
  const reverse = await dns.query(name, "ptr");
  if (!("records" in reverse)) return { name: null, result: reverseOnly(reverse) };
  const type = ip.includes(":") ? "aaaa" : "a";
  const names = textsOf(reverse).slice(0, MOST_NAMES);
  const answers = await Promise.all(names.map((one) => dns.query(one, type)));
  const found = names.findIndex((_, at) => textsOf(answers[at]).some((address) => isSame(address, ip)));
  return {
    name: names[found] ?? null,
    result: arrayOf({
      reverse: answerTree(reverse),
      forward: listOf(
        names.map((one, at) => ({ name: bytesOf(one), ...answerTree(answers[at] ?? { error: "NO_DATA" }) })),
      ),
    }),
  };
}

function reverseOnly(answer: DnsAnswer): HslArray {
  return arrayOf({ reverse: answerTree(answer), forward: listOf([]) });
}

function answerTree(answer: DnsAnswer): Record<string, Tree> {
  return "records" in answer ? { result: listOf(textsOf(answer).map(bytesOf)) } : { error: answer.error };
}

function textsOf(answer: DnsAnswer | undefined): string[] {
  if (answer === undefined || !("records" in answer)) return [];
  return answer.records.filter((record) => typeof record === "string");
}

/** IPv6 addresses are written in many ways. */
function isSame(one: string, other: string): boolean {
  return one === other || reverseName(one, undefined) === reverseName(other, undefined);
}
