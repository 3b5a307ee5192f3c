/**
 * DKIM (RFC 6376, RFC 8463) and the message signature of ARC (RFC 8617): canonical forms, signing, and the check of one
 * signature against a key record. Bodies are hashed as they are read. Pure but for the reading of pieces; a key that
 * does not fit is an error in the result, never a throw.
 */
import { type KeyObject, createHash, sign } from "node:crypto";

import { KEY_STEPS } from "../limits.ts";
import { meter } from "../meter.ts";
import { type Part, trim } from "./part.ts";
import { after } from "./pieces.ts";

export type Canonical = "simple" | "relaxed";

export type Digest = "sha1" | "sha256";

export interface SignOptions {
  readonly selector: string;
  readonly domain: string;
  readonly key: KeyObject;
  readonly digest: Digest;
  readonly canonical: { readonly header: Canonical; readonly body: Canonical };
  /** Seconds since 1970, as all times here; null for none. */
  readonly signedAt: number | null;
  readonly expiration: number | null;
  readonly identity: string | null;
  /** Fields to sign in place of the usual ones; null for those. */
  readonly headers: readonly string[] | null;
  readonly additional: readonly string[];
  /** Named once more than they are there, so that none can be added. */
  readonly oversigned: readonly string[];
  readonly bodyLength: boolean;
  /** The instance of an ARC-Message-Signature; null for a DKIM-Signature. */
  readonly arc: number | null;
}

/** RFC 6376 5.4.1, those that are there. */
const SIGNED = [
  ["from", "reply-to", "subject", "date", "to", "cc", "message-id", "in-reply-to", "references"],
  ["mime-version", "content-type", "content-transfer-encoding", "content-id", "content-description"],
  ["resent-date", "resent-from", "resent-to", "resent-cc", "resent-message-id"],
  ["list-id", "list-help", "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post"],
].flat();

/** Beyond it a line is not kept until its end comes. */
const LONG_LINE = 65_536;

/** The value of the field that signs the part as it is. */
export function signPart(part: Part, options: SignOptions): string | Promise<string> {
  const { canonical, digest, key, signedAt } = options;
  return after(bodyHash(part, canonical.body, null, digest), ({ hash, length }) => {
    const names = signedNames(part, options);
    const tags = [
      options.arc === null ? "v=1" : `i=${options.arc}`,
      `a=${key.asymmetricKeyType === "ed25519" ? "ed25519" : "rsa"}-${digest}`,
      `c=${canonical.header}/${canonical.body}`,
      `d=${options.domain}`,
      `s=${options.selector}`,
      ...(signedAt === null ? [] : [`t=${signedAt}`]),
      ...(options.expiration === null ? [] : [`x=${options.expiration}`]),
      ...(options.identity === null ? [] : [`i=${options.identity}`]),
      ...(options.bodyLength ? [`l=${length}`] : []),
      `bh=${hash}`,
      `h=${names.join(":")}`,
      "b=",
    ];
    const unsigned = tags.join(";\r\n\t");
    const name = options.arc === null ? "DKIM-Signature" : "ARC-Message-Signature";
    const data = signedData(part, names, `${name}: ${unsigned}`, canonical.header, null);
    return unsigned + signature(data, key, digest).replace(/.{70}(?=.)/g, "$&\r\n\t");
  });
}

function signedNames(part: Part, { headers, additional, oversigned }: SignOptions): string[] {
  const there = new Map<string, number>();
  for (const { name } of part.fields) there.set(name, (there.get(name) ?? 0) + 1);
  const wanted = [...(headers ?? SIGNED), ...additional, ...oversigned].map((name) => name.toLowerCase());
  const more = new Set(oversigned.map((name) => name.toLowerCase()));
  return [...new Set(wanted)].flatMap((name) =>
    Array<string>((there.get(name) ?? 0) + (more.has(name) ? 1 : 0)).fill(name),
  );
}

function signature(data: string, key: KeyObject, digest: Digest): string {
  meter.charge(KEY_STEPS);
  const bytes = Buffer.from(data, "latin1");
  if (key.asymmetricKeyType !== "ed25519") return sign(digest, bytes, key).toString("base64");
  return sign(null, createHash("sha256").update(bytes).digest(), key).toString("base64");
}

/** What is signed: the named fields, each name from the last one up, then the signature's own field without its end. */
export function signedData(
  part: Part,
  names: readonly string[],
  own: string,
  canonical: Canonical,
  except: string | null,
): string {
  meter.charge(part.fields.length + names.length);
  const left = new Map<string, string[]>();
  for (const { name, raw } of part.fields)
    if (raw !== except) {
      const same = left.get(name);
      if (same === undefined) left.set(name, [raw]);
      else same.push(raw);
    }
  const chosen = names.map((name) => left.get(name.trim().toLowerCase())?.pop());
  const fields = chosen.filter((raw) => raw !== undefined).map((raw) => canonicalField(raw, canonical));
  return `${fields.map((field) => `${field}\r\n`).join("")}${canonicalField(own, canonical)}`;
}

/** Without its last line end. */
export function canonicalField(raw: string, canonical: Canonical): string {
  if (canonical === "simple") return raw.replace(/\r?\n$/, "");
  const colon = raw.indexOf(":");
  const value = raw.slice(colon + 1).replace(/\r?\n/g, "");
  return `${trim(raw.slice(0, colon)).toLowerCase()}:${trim(value.replace(/[ \t]+/g, " "))}`;
}

/** Of the part's body as it stands, in Base64, and how many bytes its canonical form has. */
export function bodyHash(
  part: Part,
  canonical: Canonical,
  limit: number | null,
  algorithm: Digest,
): { hash: string; length: number } | Promise<{ hash: string; length: number }> {
  const body = new CanonicalBody(canonical, limit ?? Number.POSITIVE_INFINITY, algorithm);
  return after(
    part.body().each((chunk) => body.push(chunk.toString("latin1"))),
    () => body.end(),
  );
}

/** RFC 6376 3.4.3 and 3.4.4: white space within lines (relaxed) and empty lines at the end do not count. */
class CanonicalBody {
  readonly #isRelaxed: boolean;
  readonly #limit: number;
  readonly #hash;
  #rest = "";
  #length = 0;
  /** Line ends that count only when something follows. */
  #held = 0;

  constructor(canonical: Canonical, limit: number, algorithm: Digest) {
    this.#isRelaxed = canonical === "relaxed";
    this.#limit = limit;
    this.#hash = createHash(algorithm);
  }

  push(chunk: string): void {
    const text = this.#rest + chunk;
    const end = text.lastIndexOf("\r\n") + 2;
    if (end < 2) return this.#long(this.#isRelaxed ? text.replace(/[ \t]+/g, " ") : text);
    this.#rest = text.slice(end);
    this.#add(text.slice(0, end));
  }

  end(): { hash: string; length: number } {
    if (this.#rest !== "") this.#add(`${this.#rest}\r\n`);
    if (this.#length > 0) this.#update("\r\n");
    else if (!this.#isRelaxed) this.#update("\r\n");
    return { hash: this.#hash.digest("base64"), length: this.#length };
  }

  /** A line without end so far: all but what may turn out to stand before its end goes now. */
  #long(text: string): void {
    const done = text.length > LONG_LINE ? text.length - 2 : 0;
    if (done > 0) {
      this.#update("\r\n".repeat(this.#held) + text.slice(0, done));
      this.#held = 0;
    }
    this.#rest = text.slice(done);
  }

  /** Whole lines. */
  #add(lines: string): void {
    const text = this.#isRelaxed ? lines.replace(/[ \t]+/g, " ").replace(/ (?=\r\n)/g, "") : lines;
    const kept = withoutEmptyEnd(text);
    const held = (text.length - kept.length) / 2;
    if (kept === "") {
      this.#held += held;
      return;
    }
    this.#update("\r\n".repeat(this.#held) + kept);
    this.#held = held;
  }

  #update(text: string): void {
    const part = text.slice(0, Math.max(this.#limit - this.#length, 0));
    this.#length += part.length;
    this.#hash.update(part, "latin1");
  }
}

/** A loop, since a pattern for this is slow on many line ends. */
function withoutEmptyEnd(text: string): string {
  let end = text.length;
  while (end >= 2 && text[end - 1] === "\n" && text[end - 2] === "\r") end -= 2;
  return text.slice(0, end);
}
