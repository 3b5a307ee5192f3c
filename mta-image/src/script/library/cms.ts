/** S/MIME's functions: CMS signed and encrypted, made and opened. What fails is `result` false with a reason, as it is DER or not. */
import type { KeyObject, X509Certificate } from "node:crypto";

import type { RunContext } from "../context.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { port } from "../ports.ts";
import { HslArray, type Value } from "../value.ts";
import { type Signer, cmsType, envelop, openEnvelope, readSigned, signData, signerOf } from "./cms-data.ts";
import { keyName, readPrivate } from "./keys.ts";
import { flag, list, option, record } from "./subjects.ts";
import { keyPem } from "./tls-options.ts";
import { certificateOf, readCertificates, verifyChain, x509Resource } from "./x509.ts";

const { string, array } = parameter;
const options = optional(array("options"));
const owner = parameter.of<HslArray | string>("certificate", "array or string", (value) =>
  value instanceof HslArray || typeof value === "string" ? value : undefined,
);
const IDENTITY =
  "The certificate is an array of x509, privatekey and chain, a name of the configuration, or PEM of certificates and key in one text.";

export const cmsFunctions: readonly HostFunction[] = [
  declare({
    name: "cms_sign",
    parameters: [string("message"), owner, options],
    returns: "array",
    docs: `Signs: result and data (DER), or error. ${IDENTITY} Options: \`detached\` (true), \`digest\` (sha256).`,
    run: (context, message, who, how) =>
      attempt(() => record({ result: true, data: signed(context, message, who, how) })),
  }),
  declare({
    name: "pkcs7_sign",
    parameters: [string("message"), owner, options],
    returns: "string or none",
    docs: "The older form of cms_sign: the signature alone, as DER; none when that failed.",
    run: (context, message, who, how) => {
      const made = attempt(() => record({ data: signed(context, message, who, how) }));
      return made.get("data");
    },
  }),
  declare({
    name: "cms_verify",
    parameters: [string("signature"), parameter.any("message"), array("certificates"), options],
    returns: "array",
    docs: "Checks signatures: result, signers (X509Resource), with option `data` what was signed; or error. `message` is what is signed by a signature that stands apart. Certificates: `store` has the trusted ones, `certs` others that may sign.",
    run: (context, signature, message, given, how) =>
      attempt(() => verified(context, signature, message, given, how)),
  }),
  declare({
    name: "cms_encrypt",
    parameters: [string("message"), array("certificates"), options],
    returns: "array",
    docs: "Encrypts for the certificates in `certs` (RSA; AES-256): result and data (DER), or error.",
    run: (_, message, given) =>
      attempt(() => {
        const recipients = certificatesOf(given.get("certs"));
        if (recipients.length === 0) throw new Refusal("nobody is there to encrypt for");
        return record({ result: true, data: envelop(bytes(message), recipients).toString("latin1") });
      }),
  }),
  declare({
    name: "cms_decrypt",
    parameters: [string("message"), owner, options],
    returns: "array",
    docs: `Decrypts: result, data, and cms (signed or enveloped) when the data is CMS again; or error. ${IDENTITY}`,
    run: (context, message, who) =>
      attempt(() => {
        const data = openEnvelope(bytes(message), identity(context, who));
        const inner = cmsType(data);
        const opened = { result: true, data: data.toString("latin1") };
        return record(inner === null ? opened : { ...opened, cms: inner });
      }),
  }),
  declare({
    name: "cms_type",
    parameters: [string("message")],
    returns: "string or none",
    docs: "What the bytes are: pkcs7-signedData, pkcs7-envelopedData, or none.",
    run: (_, message) => {
      const type = cmsType(bytes(message));
      return type === null ? null : `pkcs7-${type}Data`;
    },
  }),
];

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Hostile CMS fails in many ways; none of them is the script's fault. */
function attempt(make: () => HslArray): HslArray {
  try {
    return make();
  } catch (error) {
    return record({
      result: false,
      error: error instanceof Refusal ? error.message : "this cannot be read or opened",
    });
  }
}

function signed(
  context: RunContext,
  message: string,
  who: HslArray | string,
  how: HslArray | undefined,
): string {
  const digest = toText(option(how, "digest") ?? "sha256").toLowerCase();
  const seconds = Math.floor(context.clock.now() / 1000);
  const isDetached = flag(how, "detached", true);
  return signData(bytes(message), identity(context, who), { isDetached, digest, seconds }).toString("latin1");
}

function verified(
  context: RunContext,
  signature: string,
  message: Value,
  given: HslArray,
  how: HslArray | undefined,
): HslArray {
  const content = readSigned(bytes(signature));
  const apart = flag(how, "detached", content.data === null) ? bytes(toText(message)) : null;
  const data = apart ?? content.data;
  if (data === null || content.infos.length === 0) throw new Refusal("there is nothing signed");
  const trusted = certificatesOf(given.get("store"));
  const carried = content.certificates.flatMap((raw) => readCertificates(raw.toString("latin1")));
  const all = [...carried, ...certificatesOf(given.get("certs")), ...trusted];
  const signers = content.infos.map((info) => {
    const signer = signerOf(info, data, all);
    if (signer === null) throw new Refusal("a signature does not fit");
    const broken = verifyChain(signer, trusted, all, context.clock.now());
    if (broken !== null) throw new Refusal(broken);
    return x509Resource(signer);
  });
  const found = { result: true, signers: list(signers) };
  return record(flag(how, "data") ? { ...found, data: data.toString("latin1") } : found);
}

function certificatesOf(value: Value): X509Certificate[] {
  return value instanceof HslArray ? value.values().map(certificateOf) : [];
}

function identity(context: RunContext, who: HslArray | string): Signer {
  if (typeof who === "string") return who.includes("-----BEGIN ") ? inOne(who, who) : named(context, who);
  const chain = certificatesOf(who.get("chain"));
  return { certificate: certificateOf(who.get("x509")), key: keyOf(keyPem(who.get("privatekey"))), chain };
}

function named(context: RunContext, name: string): Signer {
  const keys = port(context, "keys");
  const id = keyName(name, true) ?? "";
  const [key, certificate] = [keys.privateKey(id), keys.certificate?.(id) ?? null];
  if (key === null || certificate === null) throw new Refusal(`there is no key with a certificate ${id}`);
  return inOne(certificate, key);
}

/** The first of the certificates is the key's, the others lead from it to an authority. */
function inOne(certificates: string, key: string): Signer {
  const [leaf, ...chain] = readCertificates(certificates);
  if (leaf === undefined) throw new Refusal("there is no certificate");
  return { certificate: leaf, key: keyOf(key), chain };
}

function keyOf(text: string): KeyObject {
  const key = readPrivate("rsa", text) ?? readPrivate("ec", text);
  if (key === null) throw new Refusal("the private key cannot be read");
  return key;
}
