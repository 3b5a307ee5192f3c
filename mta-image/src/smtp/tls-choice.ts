/** What a script may say of the TLS of an attempt. Values only. */

/** How TLS is spoken, beside its mode; null where the usual holds. */
export interface TlsChoice {
  /** The name to ask for; "" for none. */
  readonly serverName: string | null;
  /** False: any name will do on a certificate that is good. Never where a policy of the domain wants the name. */
  readonly verifyHost: boolean | null;
  /** True: the well-known authorities count beside those of the transport. */
  readonly defaultCa: boolean | null;
  /** The certificate must have one of these names, in place of the host's; not where a policy of the domain wants that. */
  readonly verifyNames: readonly string[] | null;
  /** As OpenSSL lists them. */
  readonly ciphers: string | null;
  /** Shown to hosts that ask for one; PEM. */
  readonly certificate: ClientCertificate | null;
  readonly versions: { readonly lowest: TlsVersion; readonly highest: TlsVersion } | null;
}

export interface ClientCertificate {
  /** The leaf first. */
  readonly cert: string;
  readonly key: string;
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
