/**
 * The server's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677) as a small machine. The password
 * never comes here: the client proves that it knows it, and we prove that we hold its keys. Pure; null is whatever is
 * no SCRAM message, or a proof that is wrong.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** What is kept in place of a password. */
export interface ScramKeys {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

export interface ClientFirst {
  readonly login: string;
  readonly nonce: string;
  /** `n,,` or `y,,`, with an authorization name perhaps: it comes again with the proof. */
  readonly header: string;
  readonly bare: string;
}

/** No extension ("m="), no channel binding ("p="): the client may say that it could ("y"). */
const FIRST = /^([ny],(?:a=([^,]{1,255}))?,)(n=([^,]{1,512}),r=([\x21-\x2b\x2d-\x7e]{8,128})(?:,[^\0]*)?)$/;
const FINAL = /^(c=([A-Za-z0-9+/=]{4,}),r=([\x21-\x2b\x2d-\x7e]{8,300})(?:,[^\0]*)?),p=([A-Za-z0-9+/]{43}=)$/;

export function readClientFirst(text: string): ClientFirst | null {
  const [, header, authorization, bare, name, nonce] = FIRST.exec(text) ?? [];
  if (header === undefined || bare === undefined || name === undefined || nonce === undefined) return null;
  const login = unescapeName(name);
  if (login === null) return null;
  // Nobody may act for somebody else.
  if (authorization !== undefined && unescapeName(authorization) !== login) return null;
  return { login, nonce, header, bare };
}

export function serverFirst({ nonce }: ClientFirst, keys: ScramKeys, ours: string): string {
  return `r=${nonce}${ours},s=${keys.salt.toString("base64")},i=${keys.iterations}`;
}

/** Our own proof (`v=…`), or null when the client's is not right. */
export function judgeClientFinal(
  text: string,
  talk: {
    readonly first: ClientFirst;
    readonly challenge: string;
    readonly keys: ScramKeys;
    readonly ours: string;
  },
): string | null {
  const { first, challenge, keys, ours } = talk;
  const [, withoutProof, binding, nonce, proof] = FINAL.exec(text) ?? [];
  if (withoutProof === undefined || binding === undefined || proof === undefined) return null;
  if (nonce !== first.nonce + ours || Buffer.from(binding, "base64").toString() !== first.header) return null;
  const message = `${first.bare},${challenge},${withoutProof}`;
  const signature = hmac(keys.storedKey, message);
  const clientKey = Buffer.from(proof, "base64").map((byte, i) => byte ^ (signature[i] ?? 0));
  const isRight = timingSafeEqual(createHash("sha256").update(clientKey).digest(), keys.storedKey);
  return isRight ? `v=${hmac(keys.serverKey, message).toString("base64")}` : null;
}

/** Keys out of SaltedPassword (RFC 5802 3). */
export function keysOf(saltedPassword: Buffer): Pick<ScramKeys, "storedKey" | "serverKey"> {
  const storedKey = createHash("sha256").update(hmac(saltedPassword, "Client Key")).digest();
  return { storedKey, serverKey: hmac(saltedPassword, "Server Key") };
}

/** RFC 5802 5.1: a comma is =2C, an equals sign =3D, and nothing else is escaped. */
function unescapeName(name: string): string | null {
  if (/=(?!2C|3D)/.test(name)) return null;
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
