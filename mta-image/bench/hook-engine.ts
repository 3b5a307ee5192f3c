/**
 * An engine for hooks.bench.ts, as a user starts it: a process of its own, with a spool on disk and every message delivered over loopback to an
 * smtp-sink. It has a server for each kind of session, so that all of them meet one process whose compiler knows them. The client is the
 * process that asks. Rejects with what kept a message from being
 * taken or delivered.
 */
import { pbkdf2Sync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { connect as connectTls } from "node:tls";

import { keysOf } from "#mta/smtp/scram.ts";

import { CountingSink } from "../../e2e/bench/sink.ts";
import { freePort } from "../../e2e/peers/free-port.ts";
import { ChildEngine } from "../testing/child-engine.ts";
import { mainThreadMicroseconds } from "./processor-time.ts";

/** Scripts by hook; what is not named has none. */
export type Texts = Readonly<Record<string, string>>;

/** A server of the engine. */
export interface Kind {
  readonly scripts: Texts;
  /** Over TLS, with a login. */
  readonly logsIn?: boolean;
}

export interface Run {
  readonly kind: string;
  readonly messages: number;
  /** Of one connection. */
  readonly perSession: number;
}

const CONNECTIONS = 20;
const body = `Subject: x\r\n\r\n${`${"x".repeat(76)}\r\n`.repeat(52)}.\r\n`;
const group = "MAIL FROM:<news@example.org>\r\nRCPT TO:<ann@example.net>\r\nDATA\r\n";
const login = `AUTH PLAIN ${Buffer.from("\0ann\0secret").toString("base64")}\r\n`;
const certificate = (name: string): string =>
  new URL(`../src/session/testdata/test-${name}.pem`, import.meta.url).pathname;

export class HookEngine {
  readonly #engine: ChildEngine;
  readonly #sink: CountingSink;
  readonly #kinds: ReadonlyMap<string, Kind & { readonly port: number }>;
  #sent = 0;

  private constructor(engine: ChildEngine, sink: CountingSink, kinds: Map<string, Kind & { port: number }>) {
    this.#engine = engine;
    this.#sink = sink;
    this.#kinds = kinds;
  }

  /** Scripts around deliveries belong to all servers. */
  static async start(
    asked: Readonly<Record<string, Kind>>,
    aroundDeliveries: Texts = {},
  ): Promise<HookEngine> {
    const sink = await CountingSink.start();
    const kinds = new Map<string, Kind & { port: number }>();
    for (const [name, kind] of Object.entries(asked)) kinds.set(name, { ...kind, port: await freePort() });
    const folder = mkdtempSync(join(tmpdir(), "bench-hooks-"));
    writeFileSync(join(folder, "passwords"), `ann:${hashOf("secret")}\n`);
    const engine = await ChildEngine.start({
      folder,
      server: `127.0.0.1:${sink.port}`,
      app: appOf(folder, asked, aroundDeliveries),
      startup: {
        servers: [...kinds].map(([id, { port }]) => ({ id, listeners: [{ port, address: "127.0.0.1" }] })),
        pki: { private: [{ id: "own", cert: certificate("cert"), key: certificate("key") }] },
      },
    }).catch((error: unknown) => {
      sink.stop();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    });
    return new HookEngine(engine, sink, kinds);
  }

  /** Microseconds of the processor time of the engine's main thread for a message, from its connection to the sink's 250. */
  async microseconds(run: Run): Promise<number> {
    const before = await mainThreadMicroseconds(this.#engine.pid);
    await this.pass(run);
    const after = await mainThreadMicroseconds(this.#engine.pid);
    return (after - before) / (sessionsOf(run) * run.perSession);
  }

  async pass(run: Run): Promise<void> {
    const { kind, perSession } = run;
    const to = this.#kinds.get(kind);
    if (to === undefined) throw new Error(`there is no server ${kind}`);
    let left = sessionsOf(run);
    const client = async (): Promise<void> => {
      while (left-- > 0) await session(to, perSession);
    };
    this.#sent += left * perSession;
    await Promise.all(Array.from({ length: CONNECTIONS }, client));
    for (let quiet = 0, last = -1; this.#sink.messages < this.#sent; await wait(5)) {
      quiet = this.#sink.messages === last ? quiet + 1 : 0;
      last = this.#sink.messages;
      if (quiet > 2000) throw new Error(`the sink has ${last} of ${this.#sent} messages`);
    }
  }

  async stop(): Promise<void> {
    await this.#engine.end("SIGTERM");
    this.#sink.stop();
    rmSync(this.#engine.folder, { recursive: true, force: true });
  }
}

function sessionsOf({ messages, perSession }: Run): number {
  return Math.ceil(messages / perSession);
}

function appOf(
  folder: string,
  kinds: Readonly<Record<string, Kind>>,
  aroundDeliveries: Texts,
): Record<string, unknown> {
  const hooks: Record<string, unknown> = { ...aroundDeliveries };
  const servers = Object.entries(kinds).map(([id, { scripts, logsIn }]) => {
    for (const [hook, data] of Object.entries(scripts))
      hooks[hook] = [...((hooks[hook] ?? []) as object[]), { id, data }];
    const phases = Object.fromEntries(Object.keys(scripts).map((hook) => [hook, { hook: id }]));
    const auth = { file: join(folder, "passwords"), required: true };
    const safe = { auth, tls: { implicit: true, certs: [{ cert: "own" }] } };
    return { id, transport: "default", phases, ...(logsIn === true ? safe : {}) };
  });
  return { servers, scripting: { hooks } };
}

function hashOf(password: string): string {
  const salt = Buffer.from("salt of the bench");
  const { storedKey, serverKey } = keysOf(pbkdf2Sync(password, salt, 4096, 32, "sha256"));
  const [stored, server] = [storedKey, serverKey].map((key) => key.toString("base64"));
  return `SCRAM-SHA-256$4096:${salt.toString("base64")}$${stored}:${server}`;
}

type Said = "greeting" | "greeted" | "known" | "go" | "taken" | "bye" | "refused";
/** The first that is found counts; other replies are waited past. */
const signs: readonly (readonly [Said, RegExp])[] = [
  ["refused", /^[45]\d\d[ -]/m],
  ["greeting", /^220 /],
  ["bye", /^221 /m],
  ["go", /^354 /m],
  ["known", /^235 /m],
  ["greeted", /^250[ -].*LIMITS/m],
  ["taken", /^250 2\.0\.0 /m],
];

/** One connection with its messages, one after another. */
function session(
  { port, logsIn = false }: { readonly port: number; readonly logsIn?: boolean },
  messages: number,
): Promise<void> {
  const at = { port, host: "127.0.0.1" };
  const socket: Socket = logsIn
    ? connectTls({ ...at, rejectUnauthorized: false })
    : connect({ ...at, noDelay: true });
  return new Promise((resolve, reject) => {
    let sent = 0;
    const goOn = (): unknown => socket.write(sent++ === messages ? "QUIT\r\n" : group);
    const answers: Readonly<Record<Said, (text: string) => unknown>> = {
      greeting: () => socket.write("EHLO client.example.org\r\n"),
      greeted: () => (logsIn ? socket.write(login) : goOn()),
      known: goOn,
      go: () => socket.write(body),
      taken: goOn,
      bye: () => resolve(),
      refused: (text) => reject(new Error(`a command was refused: ${text}`)),
    };
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the session ended early")));
    socket.on("data", (data: Buffer) => {
      const text = data.toString("latin1");
      const said = signs.find(([, sign]) => sign.test(text))?.[0];
      if (said !== undefined) answers[said](text);
    });
  });
}
