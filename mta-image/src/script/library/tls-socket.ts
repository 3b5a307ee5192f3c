/** The class TLSSocket: TLS over a connected Socket, as client. What fails gives none and leaves an errno. */
import { constants } from "node:os";
import { type TLSSocket as Secure, connect, rootCertificates } from "node:tls";
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostClass, declare, makeClass, methodsOf, optional, parameter } from "../host.ts";
import type { TlsWish } from "../ports.ts";
import { HostObject, type Value } from "../value.ts";
import { ScriptSocket } from "./socket.ts";
import { Inbox } from "./socket-inbox.ts";
import { option } from "./subjects.ts";
import { tlsOptions } from "./tls-options.ts";
import { makeX509 } from "./x509.ts";

const { ENOTCONN } = constants.errno;
const MAX_RECV = 16 * 1024 * 1024;

class TlsState {
  readonly socket: HostObject;
  readonly plain: ScriptSocket;
  readonly #wish: TlsWish;
  readonly #name: string | null;
  #secure: Secure | null = null;
  #inbox: Inbox | null = null;

  constructor(socket: HostObject, plain: ScriptSocket, wish: TlsWish, name: string | null) {
    this.socket = socket;
    this.plain = plain;
    this.#wish = wish;
    this.#name = name;
  }

  handshake(): Promise<boolean> {
    const { stream } = this.plain;
    if (stream === null) return Promise.resolve(this.plain.fail(ENOTCONN));
    const { certificate, verifyPeer, verifyHost, ca, defaultCa } = this.#wish;
    stream.removeAllListeners("readable");
    return this.plain.within((done) => {
      const name = this.#name ?? "";
      const secure = connect({
        socket: stream,
        ca: [...(defaultCa ? rootCertificates : []), ...ca],
        rejectUnauthorized: verifyPeer,
        ...(name !== "" && isIP(name) === 0 ? { servername: name } : {}),
        ...(name !== "" && isIP(name) !== 0 ? { host: name } : {}),
        ...(verifyHost ? {} : { checkServerIdentity: () => undefined }),
        ...certificate,
      });
      this.#secure = secure;
      secure.once("secureConnect", () => {
        this.#inbox = new Inbox(secure);
        this.plain.inbox = this.#inbox;
        done(true);
      });
      secure.once("error", (error) => done(this.plain.fail(error)));
    }, false);
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
      : this.plain.recv(length, false);
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
    docs: "Options: `tls_sni` or `tls_verify_name` (the server's name), `tls_verify_peer`, `tls_verify_host`, `tls_default_ca` (all true), `tls_ca`, `tls_verify_cert` (x509, privatekey, chain).",
    run: (_, { object, socket }, options): Value => {
      const name = option(options, "tls_verify_name") ?? option(options, "tls_sni");
      return new HostObject(
        tlsSocketClass,
        new TlsState(object, socket, tlsOptions(options), name === null ? null : toText(name)),
      );
    },
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
