/**
 * Servers of a library of its own (nodemailer's smtp-server) for scripts that send mail and ask about it, with what they saw
 * of the client, and a run of a script that reaches them: HOST (TLS, XCLIENT), PLAIN, LMTP and ODD (ScriptedHost) in its text
 * are their addresses, PORT is that of HOST on all addresses of loopback.
 */
import { X509Certificate, createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import type { TLSSocket } from "node:tls";
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from "smtp-server";

import { systemClock } from "#base/clock.ts";
import { defaultTransport } from "#mta/delivery/transport.ts";
import { TlsRules } from "#mta/delivery/tls-rules.ts";
import type { ValidatedResolver } from "#mta/dns/validated-resolver.ts";
import { folderFiles } from "#mta/script-ports/files.ts";
import { configuredKeys } from "#mta/script-ports/keys.ts";
import { makeSmtpPort } from "#mta/script-ports/smtp.ts";
import { bareRoom } from "#mta/script-ports/smtp-way.ts";

import { makeCertificate } from "./certificates.ts";
import { FakeResolver } from "./fake-resolver.ts";
import { linesOf } from "./script-lines.ts";
import { ScriptedHost } from "./scripted-host.ts";

export const folder = mkdtempSync(join(tmpdir(), "script-smtp-"));
export const certificate = makeCertificate(folder, "mx.example.com");
const own = makeCertificate(folder, "client.example");
export const mails: string[] = [];
/** What a server saw of the client, a line for each MAIL command. */
export const seen: string[] = [];

const common = {
  authOptional: true,
  logger: false,
  disableReverseLookup: true,
  onAuth: ({ username, password }, _, done) =>
    username === "u" && password === "right" ? done(null, { user: username }) : done(new Error("no")),
  onMailFrom: (_, session, done) => {
    seen.push(lookOf(session));
    done();
  },
  onRcptTo: ({ address }, _, done) => (address.startsWith("no") ? done(new Error("unknown")) : done()),
  onData: (stream, session, done) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      mails.push(`${session.secure} ${Buffer.concat(chunks).toString("latin1")}`);
      done();
    });
  },
} satisfies SMTPServerOptions;

const secured = new Map<string, TLSSocket>();
export const smtp = new SMTPServer({
  ...common,
  key: certificate.pem.key,
  cert: certificate.pem.cert,
  requestCert: true,
  rejectUnauthorized: false,
  useXClient: true,
  onSecure: (socket, session, done) => {
    secured.set(session.id, socket as TLSSocket);
    done();
  },
});
const plain = new SMTPServer({ ...common, hideSTARTTLS: true });
const lmtp = new SMTPServer({ ...common, lmtp: true, hideSTARTTLS: true });
const silent = createServer((socket) => void socket.on("error", () => undefined));
export let host: ScriptedHost;

function lookOf({ id, remoteAddress, localAddress, hostNameAppearsAs }: SMTPServerSession): string {
  const socket = secured.get(id);
  const tls =
    socket === undefined
      ? "clear"
      : [
          socket.getProtocol(),
          socket.getCipher().name,
          (socket as { servername?: string | false }).servername || "nameless",
          socket.getPeerCertificate().subject?.CN ?? "nobody",
        ].join(" ");
  return `${remoteAddress} ${localAddress} ${hostNameAppearsAs} ${tls}`;
}

export const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

before(async () => {
  host = await ScriptedHost.start();
  for (const server of [smtp, plain, lmtp]) {
    // Clients that give up are a part of these tests.
    server.on("error", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  }
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
});

after(async () => {
  await host.stop();
  silent.close();
  for (const server of [smtp, plain, lmtp]) await new Promise<void>((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const resolver = new FakeResolver({
  "example.com": {
    mx: [
      [10, "mx.example.com"],
      [20, "mx.other.example"],
      [30, "a.b.other.example"],
    ],
  },
  "mx.example.com": { a: ["127.0.0.1"] },
  "mx.other.example": { a: ["127.0.0.2"] },
  "a.b.other.example": { a: ["127.0.0.3"] },
  "null.example": { mx: [[0, ""]] },
});

/** All zones are signed; mx.example.com names its certificate, a.b.other.example another, mx.other.example none. */
const signed: ValidatedResolver = {
  async ask(name, type) {
    const hash = createHash("sha256").update(new X509Certificate(certificate.pem.cert).raw).digest();
    const data = name.endsWith("._tcp.mx.example.com") ? hash : Buffer.alloc(32);
    const isNone = type === "TLSA" && name.endsWith("._tcp.mx.other.example");
    const record = { usage: 3, selector: 0, matchingType: 1, certificate: data };
    const kind = isNone ? "none" : "found";
    return {
      kind,
      isAuthentic: true,
      records: type === "TLSA" ? [record] : [],
      reason: "",
      owner: name,
      ttlMs: 60_000,
    };
  },
};

const sources = (name: string): ReturnType<typeof bareRoom.sources> => {
  if (name === "second") return bareRoom.sources("127.0.0.2");
  if (name !== "proxied") return bareRoom.sources(name);
  const proxy = { protocol: "socks5", host: "127.0.0.1", port: port(silent), login: null } as const;
  return {
    sourceIps: ["127.0.0.3"],
    sources: new Map([["127.0.0.3", { ip: "127.0.0.3", hostname: null, proxy }]]),
  };
};

const transports = () =>
  new Map([
    [
      "out",
      {
        ...defaultTransport,
        server: `127.0.0.1:${port(smtp.server)}`,
        tlsMode: "require",
        ...sources("second"),
      },
    ],
    ["strict", { ...defaultTransport, server: `127.0.0.1:${port(smtp.server)}`, tlsMode: "require_verify" }],
  ] as const);

/** What the script says, line by line. */
export async function said(text: string, isForbidden = false): Promise<string[]> {
  const source = text
    .replaceAll("HOST", `"127.0.0.1:${port(smtp.server)}"`)
    .replaceAll("PLAIN", `"127.0.0.1:${port(plain.server)}"`)
    .replaceAll("LMTP", `"127.0.0.1:${port(lmtp.server)}"`)
    .replaceAll("ODD", `"127.0.0.1:${host.port}"`)
    .replaceAll("PORT", String(port(smtp.server)));
  return linesOf(
    source,
    {
      files: folderFiles(folder),
      smtp: makeSmtpPort({
        clock: systemClock,
        random: () => 0.5,
        hostname: () => "us.example",
        resolver,
        rules: new TlsRules({ validated: () => signed, policies: null }),
        keys: configuredKeys(() => [{ id: "own", cert: own.cert, key: own.key }]),
        transports,
        sources,
        isForbidden: () => isForbidden,
      }),
    },
    "us.example",
  );
}

/** The verdict on a recipient, and what the server saw of who asked. */
export async function look(server: string, recipient = "r@example.com"): Promise<readonly [string, string]> {
  seen.length = 0;
  const [verdict = ""] = await said(`echo smtp_lookup_rcpt(${server}, "", "${recipient}");`);
  return [verdict, seen.join(",")];
}
