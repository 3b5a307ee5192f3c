/**
 * A mail server that answers by script, on a library of its own (nodemailer's smtp-server), so that the engine is
 * not tested against itself. `answer` decides at the end of each message's data, `answerRcpt` at each recipient;
 * a test replaces them. Everything that was taken is kept whole.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { buffer } from "node:stream/consumers";
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from "smtp-server";

import { until } from "./until.ts";

export interface Received {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly content: Buffer;
  readonly isSecure: boolean;
  /** The name that the client said hello with. */
  readonly helo: string;
}

/** "cut" closes the connection after the end of data without a reply. */
export type SinkAnswer = "accept" | "cut" | { readonly code: number; readonly text: string };

export class MailSink {
  readonly port: number;
  readonly received: Received[] = [];
  /** Messages whose data came to its end, whatever the answer. */
  attempts = 0;
  answer: (mail: Received) => SinkAnswer = () => "accept";
  answerRcpt: (address: string) => SinkAnswer = () => "accept";
  readonly #server: SMTPServer;

  private constructor(server: SMTPServer, port: number) {
    this.#server = server;
    this.port = port;
  }

  static start(
    options: {
      port?: number;
      tls?: { key: string; cert: string; requestCert?: boolean; rejectUnauthorized?: boolean };
      /** Hears whose certificate each client in TLS shows; "" for none. */
      onCertificate?: (name: string) => void;
      /** Whom it lets sign on; without, AUTH is not offered. */
      login?: { username: string; password: string };
      /** Hears which name each client asks TLS for. */
      onServerName?: (name: string) => void;
    } = {},
  ): Promise<MailSink> {
    return new Promise((resolve, reject) => {
      let sink: MailSink;
      const server = new SMTPServer({
        authOptional: true,
        disableReverseLookup: true,
        logger: false,
        ...(options.tls === undefined ? { hideSTARTTLS: true } : options.tls),
        ...(options.login === undefined ? {} : { allowInsecureAuth: true }),
        onAuth: ({ username, password }, _session, done) => {
          const { login } = options;
          const isKnown = login?.username === username && login?.password === password;
          if (isKnown) done(null, { user: username });
          else done(Object.assign(new Error("no"), { responseCode: 535 }));
        },
        onSecure: (socket, session, done) => {
          options.onCertificate?.(String((socket as TLSSocket).getPeerCertificate().subject?.CN ?? ""));
          options.onServerName?.(String(session.servername));
          done();
        },
        onRcptTo: (address, _session, done) => done(errorOf(sink.answerRcpt(address.address))),
        onData: (stream, session, done) => {
          void buffer(stream).then((content) => sink.#end(session, content, done));
        },
      } satisfies SMTPServerOptions);
      server.on("error", () => {});
      server.server.once("error", reject);
      server.listen(options.port ?? 0, "127.0.0.1", () => {
        const bound = server.server.address();
        sink = new MailSink(server, typeof bound === "object" && bound !== null ? bound.port : 0);
        resolve(sink);
      });
    });
  }

  /** Waits until it has taken so many messages, no more and no fewer; fails when it never does. */
  async taken(count: number): Promise<void> {
    await until(
      () => this.received.length,
      (length) => length === count,
    );
  }

  /** Cuts every connection: waiting for those that the engine keeps would take as long as it keeps them. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const connection of this.#connections) connection._socket.destroy();
    });
  }

  /** The library has no way to drop a connection without a reply, so its own set is looked at. */
  get #connections(): Iterable<{ readonly id: string; readonly _socket: Socket }> {
    return (this.#server as unknown as { connections: Set<{ id: string; _socket: Socket }> }).connections;
  }

  #end(session: SMTPServerSession, content: Buffer, done: (error?: Error | null) => void): void {
    const { mailFrom, rcptTo } = session.envelope;
    const mail: Received = {
      sender: mailFrom === false ? "" : mailFrom.address,
      recipients: rcptTo.map(({ address }) => address),
      content,
      isSecure: session.secure,
      helo: session.hostNameAppearsAs || "",
    };
    this.attempts++;
    const answer = this.answer(mail);
    if (answer === "cut") return this.#cut(session);
    const error = errorOf(answer);
    if (error === null) this.received.push(mail);
    done(error);
  }

  #cut(session: SMTPServerSession): void {
    for (const connection of this.#connections)
      if (connection.id === session.id) connection._socket.destroy();
  }
}

function errorOf(answer: SinkAnswer): Error | null {
  if (answer === "accept" || answer === "cut") return null;
  return Object.assign(new Error(answer.text), { responseCode: answer.code });
}
