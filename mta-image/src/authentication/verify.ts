/**
 * Who vouches for a message: DKIM, SPF, DMARC and ARC in one pass over its bytes, and the Authentication-Results field
 * (RFC 8601) that says so.
 *
 *   const verdict = await verify(bytes, { ip, helo, sender }, { query: queryOf(resolver), authority, clock });
 *
 * `peer` is null where nobody knows who handed the message over (a script with a stored message): then nothing is said
 * of SPF. `seal` adds an ARC set on top (RFC 8617). Trouble with DNS is a result (temperror), and so is a message that
 * makes no sense; rejects only when the message's pieces cannot be read. Bounded: signatures, questions, time.
 */
import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";

import { type MailBytes, MailFeed, pushAll } from "./feed.ts";
import type { SigningKey } from "./key.ts";
import { type Library, library } from "./library.ts";
import { boundQuery, type Query } from "./query.ts";
import { resultsField, resultsValue } from "./results-field.ts";

export interface Peer {
  readonly ip: string;
  readonly helo: string;
  /** Of MAIL; "" for a notice. */
  readonly sender: string;
}

export interface VerifyOptions {
  readonly query: Query;
  readonly clock: Clock;
  /** Our name in the field (authserv-id). */
  readonly authority: string;
  /** The key of an ARC seal; null for none. */
  readonly seal?: SigningKey | null;
}

export type Result = "pass" | "fail" | "softfail" | "neutral" | "none" | "policy" | "temperror" | "permerror";

export interface DkimVerdict {
  readonly result: Result;
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: string;
  /** Why, in a few words; "" when there is nothing to say. */
  readonly comment: string;
}

export interface Verdict {
  /** One for each signature, at most ten; none for mail without. */
  readonly dkim: readonly DkimVerdict[];
  readonly spf: { readonly result: Result; readonly domain: string } | null;
  readonly dmarc: {
    readonly result: Result;
    /** Domain of From. */
    readonly from: string;
    /** What that domain asks receivers to do with mail that fails; "none" without a record. */
    readonly policy: "none" | "quarantine" | "reject";
  };
  readonly arc: { readonly result: Result };
  /** The Authentication-Results field with CRLF. */
  readonly field: string;
  /** ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results, each with CRLF; "" without a seal. */
  readonly seal: string;
}

/** SPF alone may ask 10 times and twice 10 for addresses (RFC 7208 4.6.4), each signature once, DMARC walks trees. */
const MOST_QUESTIONS = 100;
/** Clients wait ten minutes for the reply to their data (RFC 5321 4.5.3.2.6); nobody should wait as long as that. */
const TIMEOUT_MS = 20_000;

/** Bytes in, a verdict out: exactly one of `end` and `abort` is called last. */
export class Verification {
  readonly feed = new MailFeed();
  readonly #peer: Peer | null;
  readonly #options: VerifyOptions;
  readonly #query: Query;
  readonly #spf: Promise<SpfFound | null>;
  readonly #dkim: ReturnType<Library["dkimVerify"]>;

  constructor(peer: Peer | null, options: VerifyOptions) {
    const { clock, query, authority } = options;
    this.#peer = peer;
    this.#options = options;
    this.#query = boundQuery(query, { clock, timeoutMs: TIMEOUT_MS, most: MOST_QUESTIONS });
    this.#spf = peer === null ? Promise.resolve(null) : askSpf(peer, authority, this.#query);
    const asked = {
      resolver: this.#query,
      sender: peer?.sender ?? "",
      rejectRsaSha1: true,
      curTime: new Date(clock.now()),
      ...(options.seal ? { seal: toSeal(options.seal) } : {}),
    } as unknown as Parameters<Library["dkimVerify"]>[1];
    this.#dkim = library().then(({ dkimVerify }) => dkimVerify(this.feed.stream, asked));
    // Awaited in `end`; until then a failure must not count as unheard.
    this.#dkim.catch(() => {});
  }

  push(piece: Buffer): void {
    this.feed.push(piece);
  }

  abort(): void {
    this.feed.abort();
  }

  async end(): Promise<Verdict> {
    this.feed.end();
    const spf = await this.#spf;
    if (this.feed.isUnreadable) return unreadable(this.#options.authority, spf);
    try {
      return await this.#judge((await this.#dkim) as unknown as DkimFound, spf);
    } catch (error) {
      return unreadable(this.#options.authority, spf, describe(error));
    }
  }

  async #judge(dkim: DkimFound, spf: SpfFound | null): Promise<Verdict> {
    const { authority, seal, clock } = this.#options;
    const { arc: verifyArc } = await library();
    const arc = (await verifyArc(
      dkim.arc as never,
      {
        resolver: this.#query as never,
        ...(this.#peer === null ? {} : { ip: this.#peer.ip }),
      } as never,
    )) as unknown as ArcFound | null;
    const dmarc = await this.#askDmarc(dkim, spf, arc);
    const infos = [
      ...dkim.results.map(({ info }) => info),
      ...(spf === null ? [] : [spf.info]),
      ...(arc?.info === undefined ? [] : [arc.info]),
      ...(dmarc?.info === undefined ? [] : [dmarc.info]),
    ];
    const isSealed = seal && ["none", "pass"].includes(arc?.status.result ?? "none");
    const authResults = resultsValue(authority, infos);
    return {
      dkim: dkim.results.map(toDkimVerdict),
      spf: spf === null ? null : { result: toResult(spf.status.result), domain: spf.domain ?? "" },
      dmarc: {
        result: toResult(dmarc?.status.result ?? "none"),
        from: dmarc?.status.header?.from ?? "",
        policy: toPolicy(dmarc?.policy),
      },
      arc: { result: toResult(arc?.status.result ?? "none") },
      field: resultsField(authority, infos),
      seal: isSealed
        ? await sealed(dkim, { key: seal, cv: arc?.status.result ?? "none", authResults, at: clock.now() })
        : "",
    };
  }

  async #askDmarc(dkim: DkimFound, spf: SpfFound | null, arc: ArcFound | null): Promise<DmarcFound | null> {
    const { evaluateDmarc } = await library();
    const { response } = await evaluateDmarc({
      headerFrom: dkim.headerFrom,
      fromFields: dkim.fromFields,
      spfDomains: spf?.status.result === "pass" && spf.domain !== undefined ? [spf.domain] : [],
      // A signature by l= says nothing of what stands behind its bytes, which anybody may have put there (RFC 6376 8.2).
      dkimDomains: dkim.results
        .filter(({ status }) => status.result === "pass" && (status.underSized ?? 0) === 0)
        .map(({ id, signingDomain, status }) => ({ id, domain: signingDomain, aligned: status.aligned })),
      arcResult: arc ?? undefined,
      resolver: this.#query,
    } as never);
    return response === false ? null : (response as unknown as DmarcFound);
  }
}

export async function verify(
  message: MailBytes,
  peer: Peer | null,
  options: VerifyOptions,
): Promise<Verdict> {
  const verification = new Verification(peer, options);
  try {
    await pushAll(message, verification.feed);
  } catch (error) {
    verification.abort();
    throw error;
  }
  return verification.end();
}

/** What the library says, as far as we read it; its own declarations leave half of this out. */
interface Status {
  readonly result: string;
  readonly comment?: string | false;
  readonly aligned?: string | false;
  readonly underSized?: number;
  readonly header?: { readonly from?: string };
}

export interface SpfFound {
  readonly status: Status;
  readonly domain?: string;
  readonly info: string;
}

interface DkimFound {
  readonly headerFrom: readonly string[];
  readonly fromFields: number;
  readonly arc?: unknown;
  readonly headers?: unknown;
  readonly seal?: object;
  readonly results: readonly {
    readonly id?: string;
    readonly signingDomain?: string;
    readonly selector?: string;
    readonly algo?: string;
    readonly status: Status;
    readonly info: string;
  }[];
}

interface ArcFound {
  readonly status: Status;
  readonly info?: string;
}

interface DmarcFound extends ArcFound {
  readonly policy?: string;
}

/** RFC 7208 2.4: a notice is judged by its HELO name. Null when there is no name to ask for. */
export async function askSpf(peer: Peer, authority: string, query: Query): Promise<SpfFound | null> {
  try {
    const { ip, helo, sender } = peer;
    const { spf: verifySpf } = await library();
    return (await verifySpf({
      ip,
      helo,
      sender,
      mta: authority,
      resolver: withShortTexts(query),
      maxElapsedTime: TIMEOUT_MS,
    } as never)) as unknown as SpfFound;
  } catch (error) {
    return { status: { result: "temperror", comment: describe(error) }, info: "spf=temperror" };
  }
}

/**
 * A record is written by whoever sends mail, and each %{S} in it stands for all of the sender's address: one of 64 KiB would hold up
 * everything for seconds, and may lead to ten more. RFC 7208 3.4 wants records within 512 bytes.
 */
const LONGEST_SPF = 4096;

function withShortTexts(query: Query): Query {
  return async (name, type) => {
    const records = await query(name, type);
    if (type.toUpperCase() !== "TXT") return records;
    const short = records.filter((record) => textOf(record).length <= LONGEST_SPF);
    if (!records.some((record) => !short.includes(record) && /^v=spf1\b/i.test(textOf(record)))) return short;
    const text = `the record of ${name} is longer than ${LONGEST_SPF} bytes`;
    throw Object.assign(new Error(text), { spfResult: { error: "permerror", text } });
  };
}

function textOf(record: unknown): string {
  return Array.isArray(record) ? record.join("") : String(record);
}

async function sealed(
  dkim: DkimFound,
  parts: { key: SigningKey; cv: string; authResults: string; at: number },
): Promise<string> {
  const { cv, authResults } = parts;
  const { createSeal } = await library();
  const made = await createSeal(false, {
    headers: dkim.headers,
    arc: dkim.arc,
    seal: { ...toSeal(parts.key), ...dkim.seal, cv, authResults, signTime: new Date(parts.at) },
  } as never);
  return made.headers.map((field) => `${field}\r\n`).join("");
}

function toSeal(key: SigningKey): object {
  return {
    signingDomain: key.domain,
    selector: key.selector,
    privateKey: key.pem,
    algorithm: key.algorithm,
  };
}

function toDkimVerdict(found: DkimFound["results"][number]): DkimVerdict {
  const { status, signingDomain = "", selector = "", algo = "" } = found;
  const comment = typeof status.comment === "string" ? status.comment : "";
  return { result: toResult(status.result), domain: signingDomain, selector, algorithm: algo, comment };
}

const RESULTS: ReadonlySet<string> = new Set<Result>([
  ...(["pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror"] as const),
]);

function toResult(text: string): Result {
  if (text === "temperr") return "temperror";
  return RESULTS.has(text) ? (text as Result) : "none";
}

function toPolicy(text: string | undefined): Verdict["dmarc"]["policy"] {
  return text === "quarantine" || text === "reject" ? text : "none";
}

/** A message whose header nobody could read vouches for nothing. */
function unreadable(authority: string, spf: SpfFound | null, why = "the header is too long"): Verdict {
  const infos = [`dkim=permerror (${why.replace(/[()\\\r\n]/g, " ")})`, ...(spf === null ? [] : [spf.info])];
  return {
    dkim: [{ result: "permerror", domain: "", selector: "", algorithm: "", comment: why }],
    spf: spf === null ? null : { result: toResult(spf.status.result), domain: spf.domain ?? "" },
    dmarc: { result: "permerror", from: "", policy: "none" },
    arc: { result: "none" },
    field: resultsField(authority, infos),
    seal: "",
  };
}
