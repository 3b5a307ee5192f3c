/**
 * Mail that does not come by SMTP, from plugins and over HTTP: past the script at the end of data of the server that it
 * names into the spool, like any other. Addresses are held to the same grammar as those of clients. Never throws: what
 * cannot be taken is an SMTP code.
 */
import { makeId } from "#base/ids.ts";

import type { Settings } from "../config/settings.ts";
import type { FrontDoor } from "./front-door.ts";
import { ConnectionHooks, type InjectedFacts } from "../hooks/connection-hooks.ts";
import type { HookRunner } from "../hooks/runner.ts";
import type { Intake, IntakeResult, Reception } from "../intake/intake.ts";
import { scriptedIntake } from "../intake/scripted-intake.ts";
import type { Envelope, Origin } from "../message/envelope.ts";
import type { SessionSettings } from "../session/options.ts";
import { type Path, parsePath } from "../smtp/address.ts";

export interface InjectionOptions<S extends Pick<Settings, "sessions"> = Pick<Settings, "sessions">> {
  readonly door: Pick<FrontDoor, "intake" | "scripted">;
  readonly runner: HookRunner;
  readonly settings: () => S;
  readonly accepting: () => boolean;
  /** One value for all. */
  readonly figures: InjectionFigures;
}

export interface InjectionFigures {
  /** Messages that have come and are being decided about or stored. */
  committing: number;
}

export interface Injection {
  readonly serverId: string;
  /** Null leaves it to the script at the end of data. */
  readonly sender: InjectedAddress | null;
  readonly recipients: readonly InjectedAddress[];
  readonly isEightBit: boolean;
  readonly origin: Omit<Origin, "kind" | "serverId" | "tls" | "protocol" | "sessionId">;
  /** More that the script at the end of data is told. */
  readonly told?: InjectedFacts["told"];
}

/** The bytes of UTF-8, one a character, as commands are read. */
export interface InjectedAddress {
  readonly localpart: string;
  readonly domain: string | null;
}

/** 421: nobody takes mail now, come again. 550: no such server. 553: an address is none. 554: nobody to send it to. */
export type InjectionFault = 421 | 550 | 553 | 554;

/** What 421 says. */
export const NOT_NOW = "Not taking mail now, come again";

type Server = Pick<SessionSettings, "transportId" | "hooks">;

export function beginInjection(options: InjectionOptions, mail: Injection): Reception | InjectionFault {
  if (!options.accepting()) return 421;
  const server = options.settings().sessions.get(mail.serverId);
  if (server === undefined) return 550;
  const envelope = envelopeOf(mail, server);
  if (typeof envelope === "number") return envelope;
  const { serverId, origin } = mail;
  const facts = { kind: "smtp", serverId, protocol: "LOCAL", tls: null, sessionId: "", ...origin } as const;
  return new Injected(intakeFor(options, { mail, server, envelope }).begin(envelope, facts), options);
}

/**
 * Takes a while to come, and nobody counts it as a session: an engine that was told to take none meanwhile may have been seen
 * empty, and its volume may go. So it is asked once more at the end. From then on it counts: a script may take its time.
 */
class Injected implements Reception {
  readonly id: string;
  readonly #inner: Reception;
  readonly #engine: Pick<InjectionOptions, "accepting" | "figures">;

  constructor(inner: Reception, engine: Pick<InjectionOptions, "accepting" | "figures">) {
    this.id = inner.id;
    this.#inner = inner;
    this.#engine = engine;
  }

  write(chunk: Buffer): Promise<void> | null {
    return this.#inner.write(chunk);
  }

  async commit(fields?: string, isPlain?: boolean): Promise<IntakeResult> {
    const { accepting, figures } = this.#engine;
    if (!accepting()) {
      this.#inner.abort();
      return { kind: "refused", reply: { code: 421, enhanced: "4.3.2", text: NOT_NOW } };
    }
    figures.committing++;
    try {
      return await this.#inner.commit(fields, isPlain);
    } finally {
      figures.committing--;
    }
  }

  abort(): void {
    this.#inner.abort();
  }
}

/** Past the server's script at the end of data, if there is one. */
function intakeFor(
  { door, runner }: InjectionOptions,
  { mail, server, envelope }: { mail: Injection; server: Server; envelope: Envelope },
): Intake {
  if (server.hooks?.byHook.has("eod") !== true) return door.intake;
  const hooks = new ConnectionHooks(server.hooks, runner, {
    id: makeId(runner.clock.now()),
    serverId: mail.serverId,
    remoteIp: mail.origin.remoteIp,
    remotePort: mail.origin.remotePort,
    remoteUid: null,
    localIp: "",
    localPort: 0,
    proxyIp: null,
    proxyTlv: null,
  });
  const { recipients, transportId } = envelope;
  hooks.injected({
    sender: mail.sender === null ? null : envelope.sender,
    recipients,
    transportId,
    ...(mail.told === undefined ? {} : { told: mail.told }),
  });
  return scriptedIntake(door.scripted, hooks);
}

/** Who a message is from and for may be left to the script at the end of data. */
function envelopeOf(
  { sender, recipients, isEightBit }: Injection,
  server: Server,
): Envelope | InjectionFault {
  const { transportId, hooks } = server;
  const isComplete = sender !== null && recipients.length > 0;
  if (!isComplete && hooks?.byHook.has("eod") !== true) return 554;
  const from = pathOf(sender ?? { localpart: "", domain: null });
  const to = recipients.map(pathOf).filter((path) => path !== null && path.address !== "");
  if (from === null || to.length < recipients.length) return 553;
  const paths = [from, ...to] as readonly Path[];
  const [, ...addresses] = paths.map(({ address }) => address);
  return {
    sender: from.address,
    recipients: addresses,
    smtpUtf8: paths.some(({ isUtf8 }) => isUtf8),
    eightBit: isEightBit,
    transportId,
  };
}

function pathOf({ localpart, domain }: InjectedAddress): Path | null {
  const text = `<${domain === null ? localpart : `${localpart}@${domain}`}>`;
  const path = parsePath(text, 0);
  return path?.end === text.length ? path : null;
}
