/**
 * Mail that plugins inject for a server of type plugin: through the intake into the spool, like any other. The code
 * that goes back is an SMTP code, 250 only after the message is on disk. Never rejects. Addresses are held to the
 * same grammar as those of clients; bare line ends become CRLF, since plugins read their mail from files and queues.
 */
import type { Log } from "#base/log.ts";

import type { Intake } from "./intake/intake.ts";
import type { Envelope, Origin } from "./message/envelope.ts";
import type { Address, InjectPort, InjectedMail } from "./plugins/ports.ts";
import { type Path, parsePath } from "./smtp/address.ts";

export interface InjectionOptions {
  readonly intake: Intake;
  readonly log: Log;
  /** Transport that mail of a server takes; undefined: there is no such server. */
  readonly transportOf: (serverId: string) => string | undefined;
  readonly accepting: () => boolean;
}

/** Nobody takes mail now; plugins keep theirs and come again. */
const CLOSED = 421;
const NO_SERVER = 550;
const BAD_ADDRESS = 553;
const NO_RECIPIENT = 554;

export function makeInjectPort(options: InjectionOptions): InjectPort {
  const { intake, log, transportOf, accepting } = options;
  return {
    inject: async (mail) => {
      if (!accepting()) return CLOSED;
      const transportId = transportOf(mail.serverId);
      if (transportId === undefined) return NO_SERVER;
      const envelope = envelopeOf(mail, transportId);
      if (typeof envelope === "number") {
        log.warn({ plugin: mail.plugin, server: mail.serverId, code: envelope }, "injection-refused");
        return envelope;
      }
      const reception = intake.begin(envelope, originOf(mail));
      await reception.write(withCrlf(mail.message));
      const result = await reception.commit();
      return result.kind === "accepted" ? 250 : result.reply.code;
    },
  };
}

function envelopeOf({ sender, recipients, message }: InjectedMail, transportId: string): Envelope | number {
  if (sender === null || recipients.length === 0) return NO_RECIPIENT;
  const from = pathOf(sender);
  const to = recipients.map(pathOf).filter((path) => path !== null && path.address !== "");
  if (from === null || to.length < recipients.length) return BAD_ADDRESS;
  const paths = [from, ...to] as readonly Path[];
  const [, ...addresses] = paths.map(({ address }) => address);
  return {
    sender: from.address,
    recipients: addresses,
    smtpUtf8: paths.some(({ isUtf8 }) => isUtf8),
    eightBit: message.some((byte) => byte > 127),
    transportId,
  };
}

function pathOf({ localpart, domain }: Address): Path | null {
  const text = `<${domain === null ? localpart : `${localpart}@${domain}`}>`;
  const path = parsePath(text, 0);
  return path?.end === text.length ? path : null;
}

function originOf({ plugin, serverId }: InjectedMail): Origin {
  return {
    kind: "smtp",
    serverId,
    remoteIp: "",
    remotePort: 0,
    helo: `plugin.${plugin}`,
    protocol: "LOCAL",
    tls: null,
    sessionId: "",
  };
}

function withCrlf(message: Buffer): Buffer {
  const text = message.toString("latin1");
  return /\r(?!\n)|(?<!\r)\n/.test(text)
    ? Buffer.from(text.replace(/\r\n|\r|\n/g, "\r\n"), "latin1")
    : message;
}
