/**
 * Checks one DKIM-Signature or ARC-Message-Signature: what it says, the key it wants, and whether it fits
 * (RFC 6376 6.1). Facts in, a verdict out; keys are looked up by the caller. Never throws for what senders wrote.
 */
import { type KeyObject, createHash, createPublicKey, verify } from "node:crypto";

import { KEY_STEPS } from "../limits.ts";
import { meter } from "../meter.ts";
import { type Canonical, bodyHash, signedData } from "./dkim.ts";
import type { Part } from "./part.ts";
import { after } from "./pieces.ts";

export interface Verdict {
  readonly result: "pass" | "fail" | "temperror" | "permerror";
  readonly error: string | null;
}

export interface Signature {
  readonly raw: string;
  readonly tags: ReadonlyMap<string, string>;
  /** Where the key is, such as "selector._domainkey.example.com". */
  readonly keyName: string;
}

const permanent = (error: string): Verdict => ({ result: "permerror", error });
const failed = (error: string): Verdict => ({ result: "fail", error });

const STEPS_A_TAG = 50;

/** `a=b; c=d` by name; null when it is no such list (RFC 6376 3.2). */
export function tagList(text: string): ReadonlyMap<string, string> | null {
  const tags = new Map<string, string>();
  for (const part of text.split(";")) {
    meter.charge(STEPS_A_TAG);
    if (part.trim() === "") continue;
    const [, name, value] = /^[ \t\r\n]*([A-Za-z][A-Za-z0-9_-]*)[ \t\r\n]*=([\s\S]*)$/.exec(part) ?? [];
    if (name === undefined || value === undefined || tags.has(name)) return null;
    tags.set(name, value.trim());
  }
  return tags;
}

/** What the field asks for, or why it cannot be checked. `seconds` is now. */
export function readSignature(raw: string, seconds: number): Signature | Verdict {
  const name = raw.slice(0, raw.indexOf(":")).trim().toLowerCase();
  const isArc = name === "arc-message-signature";
  if (!isArc && name !== "dkim-signature") return permanent("this is no signature");
  const tags = tagList(raw.slice(raw.indexOf(":") + 1));
  if (tags === null) return permanent("the signature is no list of tags");
  const wrong = wrongTag(tags, isArc) ?? (isExpired(tags, seconds) ? "the signature has expired" : null);
  if (wrong !== null) return permanent(wrong);
  return { raw, tags, keyName: `${tags.get("s")}._domainkey.${tags.get("d")}` };
}

type Tags = ReadonlyMap<string, string>;

function isExpired(tags: Tags, seconds: number): boolean {
  return Number(tags.get("x") ?? Number.POSITIVE_INFINITY) < seconds;
}

/** What the tags may be; ARC has no version, and another meaning of i=. */
function wrongTag(tags: Tags, isArc: boolean): string | null {
  const missing = ["a", "b", "bh", "d", "h", "s"].find((tag) => (tags.get(tag) ?? "") === "");
  if (missing !== undefined) return `the signature has no ${missing}=`;
  const forms: readonly (readonly [string, RegExp, string])[] = [
    ["v", isArc ? /^/ : /^1$/, ""],
    ["a", /^(rsa-sha(1|256)|ed25519-sha256)$/, ""],
    ["c", /^(simple|relaxed)(\/(simple|relaxed))?$/, "simple"],
    ["l", /^\d{1,15}$/, "0"],
    ["s", /^[\w.-]{1,255}$/, ""],
    ["d", /^[\w.-]{1,255}$/, ""],
  ];
  const bad = forms.find(([tag, form, otherwise]) => !form.test(tags.get(tag) ?? otherwise));
  if (bad !== undefined) return `${bad[0]}= of the signature is not known`;
  if (!list(tags.get("h")).includes("from")) return "From is not signed";
  const agent = isArc ? "" : (tags.get("i") ?? "");
  const domain = tags.get("d") ?? "";
  return agent === "" || isWithin(agent.slice(agent.lastIndexOf("@") + 1), domain)
    ? null
    : "i= is not within d=";
}

function list(text = ""): string[] {
  return text.split(":").map((name) => name.trim().toLowerCase());
}

function isWithin(name: string, domain: string): boolean {
  const [inner, outer] = [name.toLowerCase(), domain.toLowerCase()];
  return inner === outer || inner.endsWith(`.${outer}`);
}

/** The verdict with the key's record at hand. */
export function checkSignature(part: Part, signature: Signature, record: string): Verdict | Promise<Verdict> {
  const { tags, raw } = signature;
  const key = readKey(record, tags);
  if ("result" in key) return key;
  const [header = "simple", body = "simple"] = (tags.get("c") ?? "simple").split("/") as Canonical[];
  const algorithm = tags.get("a")?.endsWith("sha1") === true ? "sha1" : "sha256";
  const limit = tags.get("l");
  return after(
    bodyHash(part, body, limit === undefined ? null : Number(limit), algorithm),
    ({ hash, length }) => {
      if (limit !== undefined && length < Number(limit)) return permanent("the body is shorter than l=");
      if (hash !== compact(tags.get("bh"))) return failed("the body has been changed");
      const own = raw.replace(/\r?\n$/, "").replace(/(^[^:]*:|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*/, "$1$2");
      const data = signedData(part, list(tags.get("h")), own, header, raw);
      return isSigned(data, compact(tags.get("b")), key, algorithm)
        ? { result: "pass", error: null }
        : failed("the signature does not fit");
    },
  );
}

function compact(text = ""): string {
  return text.replace(/[ \t\r\n]+/g, "");
}

/** RFC 6376 3.6.1 and RFC 8301 3.2: shorter RSA keys than 1024 bits prove nothing. */
const LEAST_RSA_BITS = 1024;

function readKey(record: string, signature: ReadonlyMap<string, string>): KeyObject | Verdict {
  const tags = tagList(record);
  if (tags === null || (tags.get("v") ?? "DKIM1") !== "DKIM1")
    return permanent("the key record cannot be read");
  const data = compact(tags.get("p"));
  if (data === "") return permanent("the key has been revoked");
  const [kind, hash = ""] = (signature.get("a") ?? "").split("-");
  if ((tags.get("k") ?? "rsa") !== kind) return permanent("the key is for another algorithm");
  const hashes = tags.get("h");
  if (hashes !== undefined && !list(hashes).includes(hash))
    return permanent("the key does not allow this hash");
  const services = tags.get("s");
  if (services !== undefined && !list(services).some((one) => one === "*" || one === "email"))
    return permanent("the key is not for mail");
  if (list(tags.get("t")).includes("s") && isLoose(signature))
    return permanent("the key is not for subdomains");
  const key = publicKey(kind ?? "", Buffer.from(data, "base64"));
  if (key === null) return permanent("the key cannot be read");
  const bits = key.asymmetricKeyDetails?.modulusLength ?? LEAST_RSA_BITS;
  return bits < LEAST_RSA_BITS ? permanent("the key is too short") : key;
}

function isLoose(signature: ReadonlyMap<string, string>): boolean {
  const agent = signature.get("v") === undefined ? undefined : signature.get("i");
  const domain = signature.get("d") ?? "";
  return (
    agent !== undefined && agent.slice(agent.lastIndexOf("@") + 1).toLowerCase() !== domain.toLowerCase()
  );
}

const ED25519_SPKI = Buffer.from("302a300506032b6570032100", "hex");

function publicKey(kind: string, bytes: Buffer): KeyObject | null {
  const forms =
    kind === "rsa"
      ? (["spki", "pkcs1"] as const).map((type) => ({ key: bytes, type }))
      : [{ key: bytes.length === 32 ? Buffer.concat([ED25519_SPKI, bytes]) : bytes, type: "spki" as const }];
  for (const { key, type } of forms) {
    try {
      const read = createPublicKey({ key, format: "der", type });
      if (read.asymmetricKeyType === kind) return read;
    } catch {
      // Not in this form; the next one may fit.
    }
  }
  return null;
}

function isSigned(data: string, code: string, key: KeyObject, algorithm: "sha1" | "sha256"): boolean {
  meter.charge(KEY_STEPS);
  const [bytes, signed] = [Buffer.from(data, "latin1"), Buffer.from(code, "base64")];
  try {
    if (key.asymmetricKeyType !== "ed25519") return verify(algorithm, bytes, key, signed);
    return verify(null, createHash("sha256").update(bytes).digest(), key, signed);
  } catch {
    return false;
  }
}
