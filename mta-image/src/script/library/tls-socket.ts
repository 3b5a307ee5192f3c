/** The class TLSSocket: TLS over a connected Socket, as client. What fails gives none and leaves an errno. */
import { constants } from "node:os";
import { type TLSSocket as Secure, connect, rootCertificates } from "node:tls";
import type { X509Certificate } from "node:crypto";
import { type Socket as Stream, isIP } from "node:net";

import { Refusal } from "../error.ts";
import { type HostClass, declare, makeClass, methodsOf, optional, parameter } from "../host.ts";
import { HostObject, type Value } from "../value.ts";
import { ScriptSocket } from "./socket.ts";
import { Inbox } from "./socket-inbox.ts";
import { type SocketTls, socketTls } from "./tls-options.ts";
import { makeX509 } from "./x509.ts";

const { ENOTCONN, EPROTO } = constants.errno;
const MAX_RECV = 16 * 1024 * 1024;

class TlsState {
  readonly socket: HostObject;
  readonly plain: ScriptSocket;
  readonly #tls: SocketTls;
  #secure: Secure | null = null;

  constructor(socket: HostObject, plain: ScriptSocket, tls: SocketTls) {
    this.socket = socket;
    this.plain = plain;
    this.#tls = tls;
  }

  handshake(): Promise<boolean> {
    const { stream } = this.plain;
    if (stream === null) return Promise.resolve(this.plain.fail(ENOTCONN));
    stream.removeAllListeners("readable");
    return this.plain.within((done) => {
      const secure = this.#over(stream);
      if (secure instanceof Error) return done(this.plain.fail(secure));
      this.#secure = secure;
      secure.once("secureConnect", () => done(this.#agreed(secure)));
      secure.once("error", (error) => done(this.plain.fail(error)));
    }, false);
  }

  /** A certificate, authorities or ciphers that cannot be used are an error at once. */
  #over(stream: Stream): Secure | Error {
    const { wish, serverName, versions, ciphers } = this.#tls;
    const { certificate, verifyPeer, ca, defaultCa } = wish;
    try {
      return connect({
        socket: stream,
        ca: [...(defaultCa ? rootCertificates : []), ...ca],
        rejectUnauthorized: verifyPeer,
        // Names are looked at once it is open: also where nobody has to vouch, and one of several is enough.
        checkServerIdentity: () => undefined,
        ...(serverName !== "" && isIP(serverName) === 0 ? { servername: serverName } : {}),
        ...(versions === null ? {} : { minVersion: versions.lowest, maxVersion: versions.highest }),
        ...(ciphers === null ? {} : { ciphers }),
        ...certificate,
      });
    } catch (error) {
      return error as Error;
    }
  }

  #agreed(secure: Secure): boolean {
    const { names } = this.#tls;
    if (names.length > 0 && !names.some((name) => isNamed(this.peer, name))) {
      secure.destroy();
      return this.plain.fail(EPROTO);
    }
    this.plain.inbox = new Inbox(secure);
    return true;
  }

  send(data: string): Promise<number | null> {
    const secure = this.#secure;
    if (secure === null) return Promise.resolve(this.plain.none(ENOTCONN));
    const bytes = Buffer.from(data, "latin1");
    return this.plain.within<number | null>(
      (done) => secure.write(bytes, (error) => done(error ? this.plain.none(error) : bytes.length)),
      null,
    );
  }

  recv(length: number): Promise<string | null> {
    if (!(length > 0 && length <= MAX_RECV)) throw new Refusal(`recv() gives 1 to ${MAX_RECV} bytes`);
    return this.#secure === null
      ? Promise.resolve(this.plain.none(ENOTCONN))
      : this.plain.recv({ length, isPeek: false, isAll: false, isPatient: true });
  }

  shutdown(): number | null {
    if (this.#secure === null) return this.plain.none(ENOTCONN);
    this.#secure.end();
    return 1;
  }

  get peer(): X509Certificate | null {
    return this.#secure?.getPeerX509Certificate() ?? null;
  }
}

/** Of the certificate's alternative names, or its common name; a * stands for one label. */
export function isNamed(certificate: X509Certificate | null, name: string): boolean {
  if (certificate === null || name === "") return false;
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  return certificate.checkHost(name, { partialWildcards: false, singleLabelSubdomains: true }) !== undefined;
}

const self = parameter.object("self", "TLSSocket", (object) =>
  object.state instanceof TlsState ? { object, tls: object.state } : undefined,
);
const plain = parameter.object("socket", "Socket", (object) =>
  object.state instanceof ScriptSocket ? { object, socket: object.state } : undefined,
);

const method = methodsOf(self);

export const tlsSocketClass: HostClass = makeClass("TLSSocket", "TLS over a connected Socket.", {
  construct: declare({
    name: "TLSSocket",
    parameters: [plain, optional(parameter.array("options"))],
    returns: "TLSSocket",
    docs: "Nothing of the server is verified unless an option says so: `tls_verify_ca` (whether a known authority vouches; also with `tls_ca`, authorities of the script's own), `tls_verify_name` (a list, one of which the certificate must have), `tls_verify_host` (that of `tls_sni`). Others: `tls_sni` (the name to ask for), `tls_default_ca` (true), `tls_protocols` (such as TLSv1.2,TLSv1.3 or !TLSv1.3), `tls_ciphers`, `tls_verify_cert` (x509, privatekey, chain) and `tls_client_cert` (the name of a certificate of pki.private, with or without pki: before it), to show to a server that asks.",
    run: (context, { object, socket }, options): Value =>
      new HostObject(tlsSocketClass, new TlsState(object, socket, socketTls(options, context))),
  }),
  methods: [
    declare({
      ...method(
        "handshake",
        [],
        "TLSSocket or none",
        "Agrees with the server; none when it is not who it has to be.",
      ),
      way: "promise",
      run: async (_, { tls, object }): Promise<Value> => ((await tls.handshake()) ? object : null),
    }),
    declare({
      ...method("recv", [parameter.number("length")], "string or none", 'As of Socket; "" at the end.'),
      way: "promise",
      run: (_, { tls }, length) => tls.recv(length),
    }),
    declare({
      ...method(
        "send",
        [parameter.string("data")],
        "number or none",
        "Sends everything; says how many bytes that were.",
      ),
      way: "promise",
      run: (_, { tls }, data) => tls.send(data),
    }),
    declare({
      ...method("shutdown", [], "number or none", "Says good-bye to the server."),
      run: (_, { tls }) => tls.shutdown(),
    }),
    declare({
      ...method("errno", [], "number", "The error of the last call that failed."),
      run: (_, { tls }) => tls.plain.errno,
    }),
    declare({
      ...method("getpeerx509", [], "X509 or none", "The server's certificate."),
      run: (_, { tls }): Value => (tls.peer === null ? null : makeX509(tls.peer)),
    }),
    declare({
      ...method("toSocket", [], "Socket", "The Socket below."),
      run: (_, { tls }): Value => tls.socket,
    }),
  ],
});
