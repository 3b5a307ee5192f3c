/**
 * Puts TLS on a connection as the server. Everything said in the clear was flushed before and is forgotten by
 * the caller (RFC 3207 4.2). The handshake has a deadline and ends with the client's end; a failed one destroys the
 * connection and is counted.
 */
import type { Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";

import type { Clock } from "#base/clock.ts";

import { withHeld } from "../net/held-stream.ts";
import type { Secured } from "../smtp/secured.ts";

const HANDSHAKE_MS = 30_000;

export function upgradeToTls(options: {
  readonly plain: Socket;
  readonly context: SecureContext;
  readonly asksForCertificate: boolean;
  readonly clock: Clock;
  readonly onSecure: (secured: Secured) => void;
  readonly onFailure: () => void;
}): Socket {
  const { plain, context, clock, asksForCertificate } = options;
  plain.removeAllListeners("data");
  plain.removeAllListeners("end");
  const secure = new TLSSocket(withHeld(plain), {
    isServer: true,
    secureContext: context,
    requestCert: asksForCertificate,
    rejectUnauthorized: false,
  });
  let isSecure = false;
  const deadline = clock.after(HANDSHAKE_MS, () => secure.destroy());
  plain.on("close", () => secure.destroy());
  secure.once("secure", () => {
    isSecure = true;
    deadline.cancel();
    options.onSecure({
      description: `${secure.getProtocol() ?? "TLS"} ${secure.getCipher().name}`,
      serverName: askedName(secure),
      certificate: asksForCertificate ? shownCertificate(secure) : null,
    });
  });
  // One who says no more cannot end the handshake.
  secure.once("end", () => {
    if (!isSecure) secure.destroy();
  });
  secure.once("close", () => {
    deadline.cancel();
    if (!isSecure) options.onFailure();
  });
  return secure;
}

/** Node checks the certificate and keeps what it found with its own half of the socket. */
function shownCertificate(secure: TLSSocket): Secured["certificate"] {
  const leaf = secure.getPeerX509Certificate();
  if (leaf === undefined) return null;
  const { ssl } = secure as unknown as { ssl: { verifyError(): { readonly code: string } | null } };
  return { leaf, unverified: ssl.verifyError()?.code ?? null };
}

/** Node has false or null when the client named nobody. */
function askedName({ servername }: TLSSocket): string | null {
  return typeof servername === "string" && servername !== "" ? servername : null;
}
