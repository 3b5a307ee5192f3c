/**
 * Mail that plugins inject for a server of type plugin: past its script at the end of data into the spool, like any other. The code
 * that goes back is an SMTP code, 250 only after the message is on disk. Never rejects. Addresses are held to the
 * same grammar as those of clients; bare line ends become CRLF, since plugins read their mail from files and queues.
 */
import { makeId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";

import type { Settings } from "./config/settings.ts";
import type { FrontDoor } from "./front-door.ts";
import { ConnectionHooks } from "./hooks/connection-hooks.ts";
import type { HookRunner } from "./hooks/runner.ts";
import type { Intake } from "./intake/intake.ts";
import { scriptedIntake } from "./intake/scripted-intake.ts";
import type { Envelope, Origin } from "./message/envelope.ts";
import type { Address, InjectPort, InjectedMail } from "./plugins/ports.ts";
import type { SessionSettings } from "./session/options.ts";
import { type Path, parsePath } from "./smtp/address.ts";

export interface InjectionOptions {
  readonly door: Pick<FrontDoor, "intake" | "scripted">;
  readonly runner: HookRunner;
  readonly log: Log;
  readonly settings: () => Pick<Settings, "sessions">;
  readonly accepting: () => boolean;
}

/** Nobody takes mail now; plugins keep theirs and come again. */
const CLOSED = 421;
const NO_SERVER = 550;
const BAD_ADDRESS = 553;
const NO_RECIPIENT = 554;

export function makeInjectPort(options: InjectionOptions): InjectPort {
  const { log, settings, accepting } = options;
  return {
    inject: async (mail) => {
      if (!accepting()) return CLOSED;
      const server = settings().sessions.get(mail.serverId);
      if (server === undefined) return NO_SERVER;
      const envelope = envelopeOf(mail, server);
      if (typeof envelope === "number") {
        log.warn({ plugin: mail.plugin, server: mail.serverId, code: envelope }, "injection-refused");
        return envelope;
      }
      const reception = intakeFor(options, { mail, server, envelope }).begin(envelope, originOf(mail));
      await reception.write(withCrlf(mail.message));
      const result = await reception.commit();
      return result.kind === "accepted" ? 250 : result.reply.code;
    },
  };
}

/** Past the server's script at the end of data, if there is one. */
function intakeFor(
  { door, runner }: InjectionOptions,
  { mail, server, envelope }: { mail: InjectedMail; server: Server; envelope: Envelope },
): Intake {
  if (server.hooks?.byHook.has("eod") !== true) return door.intake;
  const hooks = new ConnectionHooks(server.hooks, runner, {
    id: makeId(runner.clock.now()),
    serverId: mail.serverId,
    remoteIp: "",
    remotePort: 0,
    localIp: "",
    localPort: 0,
    proxyIp: null,
  });
  const { recipients, transportId } = envelope;
  hooks.injected({ sender: mail.sender === null ? null : envelope.sender, recipients, transportId });
  return scriptedIntake(door.scripted, hooks);
}

type Server = Pick<SessionSettings, "transportId" | "hooks">;

/** Who a message is from and for may be left to the script at the end of data. */
function envelopeOf({ sender, recipients, message }: InjectedMail, server: Server): Envelope | number {
  const { transportId, hooks } = server;
  const isComplete = sender !== null && recipients.length > 0;
  if (!isComplete && hooks?.byHook.has("eod") !== true) return NO_RECIPIENT;
  const from = pathOf(sender ?? { localpart: "", domain: null });
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
