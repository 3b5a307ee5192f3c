/** A certificate that the other side showed, as scripts see it: x509, chain, and OpenSSL's verdict. Pure. */
import type { X509Certificate } from "node:crypto";

import { x509Resource } from "../script/library/x509.ts";
import { verifyErrorOf } from "./attempt-words.ts";
import { type Branch, type Tree, listOf } from "./texts.ts";

/** A chain that names itself ends, and no real one is longer. */
const MOST_CHAIN = 10;

export function certificateTree(leaf: X509Certificate, unverified: string | null): Branch {
  const chain: Tree[] = [];
  let issuer = leaf.issuerCertificate as X509Certificate | undefined;
  while (issuer !== undefined && chain.length < MOST_CHAIN) {
    chain.push(x509Resource(issuer));
    const next = issuer.issuerCertificate as X509Certificate | undefined;
    issuer = next?.fingerprint256 === issuer.fingerprint256 ? undefined : next;
  }
  return { x509: x509Resource(leaf), chain: listOf(chain), error: verifyErrorOf(unverified) };
}
