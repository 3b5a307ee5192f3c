/**
 * Puts TLS on a connection as the server. Everything said in the clear was flushed before and is forgotten by
 * the caller (RFC 3207 4.2). The handshake has a deadline; a failed one destroys the connection and is counted.
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
  readonly clock: Clock;
  readonly onSecure: (secured: Secured) => void;
  readonly onFailure: () => void;
}): Socket {
  const { plain, context, clock } = options;
  plain.removeAllListeners("data");
  plain.removeAllListeners("end");
  const secure = new TLSSocket(withHeld(plain), { isServer: true, secureContext: context });
  let isSecure = false;
  const deadline = clock.after(HANDSHAKE_MS, () => secure.destroy());
  plain.on("close", () => secure.destroy());
  secure.once("secure", () => {
    isSecure = true;
    deadline.cancel();
    options.onSecure({
      description: `${secure.getProtocol() ?? "TLS"} ${secure.getCipher().name}`,
      serverName: askedName(secure),
    });
  });
  secure.once("close", () => {
    deadline.cancel();
    if (!isSecure) options.onFailure();
  });
  return secure;
}

/** Node has false or null when the client named nobody. */
function askedName({ servername }: TLSSocket): string | null {
  return typeof servername === "string" && servername !== "" ? servername : null;
}
