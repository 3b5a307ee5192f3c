/**
 * DKIM signatures (RFC 6376, Ed25519 by RFC 8463) for a message in one pass, without holding it.
 *
 *   const key = readSigningKey({ domain, selector, key: pem });
 *   const { fields, problems } = await signDkim(bytes, [{ key }], { at: clock.now() });
 *
 * `fields` are whole DKIM-Signature fields, each with CRLF, to be put in front of the message; "" when nothing was
 * signed, and then `problems` says why (no From field, a header that is too long). Rejects only when the message's
 * pieces cannot be read. Callers: the signing of mail that we take, script functions.
 */
import { describe } from "#base/error.ts";

import { type MailBytes, MailFeed, pushAll } from "./feed.ts";
import type { SigningKey } from "./key.ts";
import { type Library, library } from "./library.ts";

export interface Signature {
  readonly key: SigningKey;
  /** Of header and body; relaxed/relaxed when absent. */
  readonly canonicalization?: "relaxed/relaxed" | "relaxed/simple" | "simple/relaxed" | "simple/simple";
  /** Names of fields to sign in place of the usual ones; From is always among them. */
  readonly fields?: readonly string[];
  /**
   * Sign that there are no more of the fields that people and programs go by than the message has (RFC 6376 8.15), so
   * that nobody can put another From or Subject on top. Of signatures made together, all or none.
   */
  readonly overSign?: boolean;
  /** Names of fields to sign beside the usual ones. */
  readonly moreFields?: readonly string[];
  /** i=: an address or "@domain" at or below d=. */
  readonly identity?: string;
  /** l=: bytes of the body that the signature covers. Leaves room for appended text: not for ordinary mail. */
  readonly bodyBytes?: number;
}

export interface Signed {
  readonly fields: string;
  readonly problems: readonly string[];
}

/** The fields that RFC 6376 5.4.1 and practice sign. */
const USUAL_FIELDS: readonly string[] = [
  ...["From", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc", "MIME-Version"],
  ...["Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Description"],
  ...["Resent-Date", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Message-ID"],
  ...["In-Reply-To", "References", "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post"],
  ...["List-Subscribe", "List-Post", "List-Owner", "List-Archive", "Feedback-ID"],
];

/** Those that `overSign` means. Not Sender and List-*, which mailing lists add, mostly without touching the rest. */
const SEALED_FIELDS: readonly string[] = [
  ...["From", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc", "MIME-Version", "Content-Type"],
  "Content-Transfer-Encoding",
];

/** Bytes in, fields out: exactly one of `end` and `abort` is called last. */
export class DkimSigning {
  readonly #feed = new MailFeed();
  readonly #done: ReturnType<Library["dkimSign"]>;

  constructor(signatures: readonly Signature[], options: { at: number }) {
    const asked = {
      signTime: new Date(options.at),
      signatureData: signatures.map(toLibrary),
      // Called with the header before anything is signed.
      ...(signatures.some(({ overSign }) => overSign === true) ? { getARChain: sealFields } : {}),
    } as Parameters<Library["dkimSign"]>[1];
    this.#done = library().then(({ dkimSign }) => dkimSign(this.#feed.stream, asked));
    // Awaited in `end`; until then a failure must not count as unheard.
    this.#done.catch(() => {});
  }

  get feed(): MailFeed {
    return this.#feed;
  }

  push(piece: Buffer): void {
    this.#feed.push(piece);
  }

  async end(): Promise<Signed> {
    this.#feed.end();
    if (this.#feed.isUnreadable) return { fields: "", problems: ["the header is too long"] };
    try {
      const { signatures, errors } = await this.#done;
      return { fields: signatures, problems: errors.map(({ err }) => describe(err)) };
    } catch (error) {
      return { fields: "", problems: [describe(error)] };
    }
  }

  abort(): void {
    this.#feed.abort();
  }
}

export async function signDkim(
  message: MailBytes,
  signatures: readonly Signature[],
  options: { readonly at: number },
): Promise<Signed> {
  const signing = new DkimSigning(signatures, options);
  try {
    await pushAll(message, signing.feed);
  } catch (error) {
    signing.abort();
    throw error;
  }
  return signing.end();
}

function toLibrary(signature: Signature): object {
  const { key, identity, bodyBytes } = signature;
  const fields = [...(signature.fields ?? USUAL_FIELDS), ...(signature.moreFields ?? [])];
  return {
    signingDomain: key.domain,
    selector: key.selector,
    privateKey: key.pem,
    algorithm: key.algorithm,
    canonicalization: signature.canonicalization ?? "relaxed/relaxed",
    headerList: [...new Set(["from", ...fields.map((name) => name.toLowerCase())])],
    ...(identity === undefined ? {} : { identity }),
    ...(bodyBytes === undefined ? {} : { maxBodyLength: bodyBytes }),
  };
}

interface ParsedHeader {
  readonly parsed: { readonly key: string; casedKey: string }[];
}

/**
 * The library makes h= of the fields that are there, from the last one up, each under the name it carries. So the topmost
 * of its name carries it twice, and the topmost From those of fields that are absent: a verifier finds nothing under
 * these (RFC 6376 5.4.2).
 */
function sealFields({ parsed }: ParsedHeader): null {
  const from = parsed.find(({ key }) => key === "from");
  if (from === undefined) return null;
  const names: string[] = [];
  for (const name of SEALED_FIELDS) {
    const topmost = parsed.find(({ key }) => key === name.toLowerCase());
    if (topmost === undefined || topmost === from) names.push(name);
    else topmost.casedKey = `${topmost.casedKey}: ${topmost.casedKey}`;
  }
  from.casedKey = [from.casedKey, ...names].join(": ");
  return null;
}
