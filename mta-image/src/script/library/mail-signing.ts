/**
 * signDKIM and verifyDKIM for the classes of mail: options to values, keys by name or text, key records by DNS or by a
 * function of the script.
 */
import type { KeyObject } from "node:crypto";

import { callback } from "../calls.ts";
import type { RunContext } from "../context.ts";
import { toNumber, toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type Verdict, checkSignature, readSignature, tagList } from "../mail/check.ts";
import type { Canonical, Digest, SignOptions } from "../mail/dkim.ts";
import type { Part } from "../mail/part.ts";
import { port } from "../ports.ts";
import { HslArray, type HslFunction, type Resumed, type Routine, type Value } from "../value.ts";
import { answerValue } from "./dns.ts";
import { keyText, readPrivate } from "./keys.ts";
import { flag, option, record } from "./subjects.ts";

/** A key that is not there or cannot be read, which is no mistake of the script. */
export class NoKey extends Refusal {}

export const SIGN_DOCS =
  "Options: `id` (the key is a name of the configuration, as it is in any case with pki: before it), `algorithm` (rsa-sha256, rsa-sha1, ed25519-sha256; by the key unless given), `canonicalization_header` and `canonicalization_body` (relaxed or simple), `headers` (in place of the usual ones), `additional_headers`, `oversign_headers` (from unless given), `body_length`, `timestamp` (true, or seconds since 1970), `expiration` (seconds since 1970), `expiration_relative` (seconds), `identity`, `arc` (the instance, or true where `identity` is the instance), `return_header`.";

export type SignArguments = readonly [
  selector: string,
  domain: string,
  given: { readonly key: KeyObject | string; readonly options: HslArray | undefined },
];

/** Throws NoKey where there is no such key. */
export function signOptions(context: RunContext, ...[selector, domain, given]: SignArguments): SignOptions {
  const { options } = given;
  if (![selector, domain].every((name) => /^[\w.-]{1,255}$/.test(name)))
    throw new Refusal("selector and domain are names of DNS");
  const key = keyOf(context, given.key, flag(options, "id"));
  const arc = instanceOf(options);
  const identity = arc === null ? option(options, "identity") : null;
  return {
    selector,
    domain,
    key,
    digest: digestOf(key, option(options, "algorithm")),
    canonical: {
      header: canonicalOf(options, "canonicalization_header"),
      body: canonicalOf(options, "canonicalization_body"),
    },
    ...timesOf(options, Math.floor(context.clock.now() / 1000)),
    identity: identity === null ? null : tagText(toText(identity)),
    headers: namesOf(options, "headers"),
    additional: namesOf(options, "additional_headers") ?? [],
    oversigned: namesOf(options, "oversign_headers") ?? ["from"],
    bodyLength: flag(options, "body_length"),
    arc,
  };
}

function instanceOf(options: HslArray | undefined): number | null {
  const arc = option(options, "arc");
  if (typeof arc === "number") return Math.trunc(arc);
  return arc === true ? Math.trunc(toNumber(option(options, "identity"))) : null;
}

function timesOf(options: HslArray | undefined, now: number): Pick<SignOptions, "signedAt" | "expiration"> {
  const number = (name: string): number | null => {
    const value = option(options, name);
    return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
  };
  const signedAt = number("timestamp") ?? (flag(options, "timestamp") ? now : null);
  const relative = number("expiration_relative");
  return {
    signedAt,
    expiration: number("expiration") ?? (relative === null ? null : (signedAt ?? now) + relative),
  };
}

function digestOf(key: KeyObject, algorithm: Value): Digest {
  if (algorithm === null) return "sha256";
  const [, kind, digest] = /^(rsa|ed25519)-(sha1|sha256)$/.exec(toText(algorithm)) ?? [];
  if (kind !== key.asymmetricKeyType || digest === undefined || (kind === "ed25519" && digest === "sha1"))
    throw new Refusal(`the algorithm ${toText(algorithm)} does not fit the key`);
  return digest as Digest;
}

function canonicalOf(options: HslArray | undefined, name: string): Canonical {
  const form = option(options, name);
  if (form === null || form === "relaxed") return "relaxed";
  if (form === "simple") return "simple";
  throw new Refusal(`${name} is relaxed or simple`);
}

function namesOf(options: HslArray | undefined, name: string): readonly string[] | null {
  const names = option(options, name);
  return names instanceof HslArray ? names.values().map((one) => tagText(toText(one))) : null;
}

/** Nothing in a tag may end it. */
function tagText(text: string): string {
  return text.replace(/[^\x21-\x3a\x3c-\x7e]/g, "");
}

function keyOf(context: RunContext, given: KeyObject | string, isName: boolean): KeyObject {
  if (typeof given !== "string") return given;
  const text = keyText(context, given, { isName, find: (keys, id) => keys.privateKey(id) });
  if (text === null) throw new NoKey(`there is no key ${given}`);
  const key = readPrivate("rsa", text) ?? readPrivate("ed25519", text);
  if (key === null) throw new NoKey("the key cannot be read");
  return key;
}

/** How keys are looked up. */
export interface KeyLookup {
  /** A function of the script; null: DNS. */
  readonly lookUp: HslFunction | null;
  /** Of each question to DNS; null: the usual time. */
  readonly timeoutMs: number | null;
}

/** The verdict on one signature field. */
export function* verifySignature(
  context: RunContext,
  part: Part,
  field: string,
  { lookUp, timeoutMs }: KeyLookup,
): Routine {
  const signature = readSignature(field, context.clock.now() / 1000);
  if ("result" in signature) return verdictOf(signature, field);
  const found =
    lookUp === null
      ? yield* ask(context, signature.keyName, timeoutMs)
      : yield* callback(lookUp, signature.keyName);
  const key = keyRecord(found);
  if (typeof key !== "string") return verdictOf(key, field);
  const verdict = checkSignature(part, signature, key);
  if (!(verdict instanceof Promise)) return verdictOf(verdict, field);
  return yield* wait(verdict.then((one) => verdictOf(one, field)));
}

/** Of a script's promise within a routine. */
export function* wait(promise: PromiseLike<Value>): Routine {
  const resumed: Resumed = yield promise;
  if ("error" in resumed) throw resumed.error;
  return resumed.value;
}

function* ask(context: RunContext, name: string, timeoutMs: number | null): Routine {
  return yield* wait(
    port(context, "dns")
      .query(name, "txt", { servers: null, timeoutMs })
      .then((answer) => answerValue(answer, "txt", false)),
  );
}

/** A record out of what dns_query gives, or out of a text alone. */
function keyRecord(found: Value): string | Verdict {
  const record = found instanceof HslArray ? found.get("result") : found;
  if (typeof record === "string") return record;
  if (record instanceof HslArray && record.size > 0) return toText(record.values()[0] ?? null);
  const error = found instanceof HslArray ? toText(found.get("error")) : "";
  if (error === "" || error === "NXDOMAIN" || error === "NO_DATA")
    return { result: "permerror", error: "there is no key" };
  const result = error === "permerror" ? error : "temperror";
  return { result, error: `the key could not be looked up: ${error}` };
}

function verdictOf({ result, error }: Verdict, field: string): HslArray {
  const tags = tagList(field.slice(field.indexOf(":") + 1));
  const entries = {
    result,
    domain: tags?.get("d") ?? "",
    selector: tags?.get("s") ?? "",
    ...(tags === null ? {} : { tags: HslArray.from(tags) }),
  };
  return record(error === null ? entries : { ...entries, error });
}
