/**
 * A server that takes mail, for tests of sessions: real sockets on loopback, a real intake, a spool on files in
 * memory, and time that the test turns. `accepted` holds what was queued; `isIdle` says that nothing is held.
 */
import { once } from "node:events";
import type { SecureContext } from "node:tls";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { type Log, silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { makeHookFigures } from "#mta/hooks/figures.ts";
import { HookRunner } from "#mta/hooks/runner.ts";
import { makeIntake } from "#mta/intake/accept.ts";
import type { IntakeFigures } from "#mta/intake/held-pieces.ts";
import type { Intake, Reception } from "#mta/intake/intake.ts";
import type { ScriptedDoor } from "#mta/intake/scripted-intake.ts";
import { makeAccessRules } from "#mta/session/access.ts";
import type { Checks } from "#mta/session/checks.ts";
import { LoginGuard } from "#mta/session/login-guard.ts";
import { makeSessionCounters } from "#mta/session/counters.ts";
import { RecentClients } from "#mta/session/recent-clients.ts";
import type { SessionSettings } from "#mta/session/options.ts";
import { SmtpServer } from "#mta/session/smtp-server.ts";
import { DiskSpool } from "#mta/spool/disk-spool.ts";
import type { Ports } from "#mta/script/ports.ts";
import type { SpooledMessage } from "#mta/spool/spool.ts";
import { Tracer } from "#mta/trace/tracer.ts";
import { Lines } from "./dialogue.ts";
import { FaultyFiles } from "./faulty-files.ts";

export interface ReceiverOptions {
  readonly settings?: Partial<SessionSettings>;
  readonly relayNetworks?: readonly string[];
  readonly relayDomains?: readonly string[];
  readonly tls?: SecureContext;
  readonly connections?: number;
  readonly perIp?: number;
  readonly inlineBytes?: number;
  readonly maxBytesInFlight?: number;
  readonly checks?: Checks;
  /** What scripts reach outside of themselves. */
  readonly ports?: Partial<Ports>;
  /** Of a UNIX socket to listen on. */
  readonly path?: string;
  readonly peerUid?: (descriptor: number) => number | null;
  /** What scripts log, and what is logged of them. */
  readonly scriptLog?: Log;
  /** More than the disk has free: it is full. */
  readonly floorBytes?: number;
}

const PATIENCE_MS = 60_000;

export class Receiver {
  readonly clock = new ManualClock();
  readonly files: FaultyFiles;
  readonly counters = makeSessionCounters();
  readonly recentClients = new RecentClients();
  readonly loginGuard = new LoginGuard(this.clock);
  readonly traces = new Tracer({ clock: this.clock, random: systemRandom });
  readonly hookFigures = makeHookFigures();
  readonly accepted: SpooledMessage[] = [];
  /** Messages between 354 and the reply to their end. */
  openReceptions = 0;
  /** Content that was read, of all messages. */
  bytesTaken = 0;
  isAccepting = true;
  readonly spool: DiskSpool;
  readonly server: SmtpServer;
  readonly #bytesHeld: () => number;

  private constructor(spool: DiskSpool, parts: { files: FaultyFiles; options: ReceiverOptions }) {
    const { options } = parts;
    this.spool = spool;
    this.files = parts.files;
    const figures: IntakeFigures = { bytesInFlight: 0 };
    const intake = this.#makeIntake(options, figures);
    const scripted: ScriptedDoor = {
      spool,
      log: silentLog,
      figures,
      storing: intake,
      verifying: (inner) => inner,
      ...(options.inlineBytes === undefined ? {} : { inlineBytes: options.inlineBytes }),
    };
    this.#bytesHeld = () => figures.bytesInFlight;
    const settings: SessionSettings = {
      serverId: "inbound",
      hostname: "mx.example.org",
      transportId: "out",
      maxSizeBytes: 10_000,
      maxHops: 100,
      maxRecipients: 100,
      xclientNetworks: null,
      maxErrors: 20,
      maxIdleCommands: 100,
      idleTimeoutMs: 300_000,
      greetDelayMs: 0,
      proxyNetworks: null,
      access: makeAccessRules(options.relayNetworks ?? ["127.0.0.0/8"], options.relayDomains ?? []),
      tls: options.tls ?? null,
      implicitTls: false,
      asksForCertificate: false,
      credentials: null,
      mustLogIn: false,
      hooks: null,
      ...options.settings,
    };
    this.server = new SmtpServer({
      address:
        options.path === undefined
          ? { kind: "tcp", host: "127.0.0.1", port: 0, backlog: 128 }
          : { kind: "unix", path: options.path, backlog: 128 },
      near: {
        doorOf: () => ({ intake, scripted }),
        clock: this.clock,
        log: silentLog,
        counters: this.counters,
        recentClients: this.recentClients,
        loginGuard: this.loginGuard,
        traces: this.traces,
        checks: options.checks ?? null,
        hookRunner: new HookRunner({
          clock: this.clock,
          random: () => 0.5,
          log: options.scriptLog ?? silentLog,
          figures: this.hookFigures,
          hostname: () => "mx.example.org",
          hasTransport: (id) => id.startsWith("out"),
          ...(options.peerUid === undefined ? {} : { peerUid: options.peerUid }),
          ...(options.ports === undefined ? {} : { ports: options.ports }),
        }),
        accepting: () => this.isAccepting,
      },
      settings: () => settings,
      limits: () => ({ connections: options.connections ?? 1000, perIp: options.perIp ?? 1000 }),
    });
  }

  static async start(options: ReceiverOptions = {}): Promise<Receiver> {
    const files = new FaultyFiles();
    const clock = new ManualClock();
    const spool = await DiskSpool.open({
      files,
      clock,
      log: silentLog,
      floor: { bytes: options.floorBytes ?? 0, inodes: 0 },
    });
    const receiver = new Receiver(spool, { files, options });
    await receiver.server.start();
    return receiver;
  }

  get port(): number {
    return this.server.port;
  }

  /** No session, no reception and no byte is held. */
  get isIdle(): boolean {
    return this.server.sessions === 0 && this.openReceptions === 0 && this.#bytesHeld() === 0;
  }

  connect(): Promise<Lines> {
    return Lines.to(this.port);
  }

  /** A connection that has said EHLO. */
  async greeted(): Promise<Lines> {
    const client = await this.connect();
    await client.reply();
    await client.ask("EHLO client.example.org");
    return client;
  }

  /** A connection that has been told 354. */
  async inData(): Promise<Lines> {
    const client = await this.greeted();
    await client.ask("MAIL FROM:<news@example.org>");
    await client.ask("RCPT TO:<ann@example.net>");
    await client.ask("DATA");
    return client;
  }

  /** Header and body of an accepted message, without our trace field. */
  async content(message: SpooledMessage): Promise<string> {
    const content = await this.spool.read(message.id);
    const parts: Buffer[] = [];
    if (content.kind === "memory") parts.push(content.bytes);
    else for await (const chunk of content.chunks()) parts.push(chunk);
    return Buffer.concat(parts)
      .toString("latin1")
      .replace(/^Received: .*?\r\n(?!\t)/s, "");
  }

  /** Waits, in turns of the event loop, until a condition holds. Fails the test when it never does, on the slowest machine. */
  async until(condition: () => boolean, statement: string): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    for (let turn = 0; !condition(); turn++) {
      if (performance.now() > end) throw new Error(`never came true: ${statement}`);
      await new Promise((resolve) => setTimeout(resolve, turn < 100 ? 0 : 2));
    }
  }

  untilIdle(): Promise<void> {
    return this.until(() => this.isIdle, "no session, no reception, no bytes");
  }

  async close(): Promise<void> {
    const closing = this.server.close(0);
    this.clock.advance(5000);
    await closing;
    await this.spool.close();
  }

  #makeIntake(options: ReceiverOptions, figures: IntakeFigures): Intake {
    const inner = makeIntake({
      spool: this.spool,
      clock: this.clock,
      log: silentLog,
      enqueue: (message) => this.accepted.push(message),
      settings: () => ({ hostname: "mx.example.org", maxHops: 100 }),
      figures,
      ...(options.inlineBytes === undefined ? {} : { inlineBytes: options.inlineBytes }),
      ...(options.maxBytesInFlight === undefined ? {} : { maxBytesInFlight: options.maxBytesInFlight }),
    });
    return {
      begin: (envelope, origin) => {
        this.openReceptions++;
        return this.#counted(inner.begin(envelope, origin));
      },
    };
  }

  #counted(reception: Reception): Reception {
    let isOpen = true;
    const end = (): void => {
      if (isOpen) this.openReceptions--;
      isOpen = false;
    };
    return {
      id: reception.id,
      write: (chunk) => {
        this.bytesTaken += chunk.length;
        return reception.write(chunk);
      },
      commit: (fields) => reception.commit(fields).finally(end),
      abort: () => {
        reception.abort();
        end();
      },
    };
  }
}

/** One for a test, which ends holding nothing. */
export async function withReceiver(
  options: ReceiverOptions,
  run: (receiver: Receiver) => Promise<void>,
): Promise<void> {
  const receiver = await Receiver.start(options);
  try {
    await run(receiver);
    await receiver.untilIdle();
  } finally {
    await receiver.close();
  }
}

/** Resolves when the client's socket is gone. */
export async function closed(client: Lines): Promise<void> {
  if (!client.socket.destroyed) await once(client.socket, "close");
}
