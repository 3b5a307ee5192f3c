/** swaks, the client that people try servers with, over each door that the engine has: every reply is as it should be, and mail passes. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { peerFolder } from "../../../tools/setup/peers.ts";
import { makeCertificate } from "../../testing/certificates.ts";
import { hasPeer } from "../../testing/foreign-server.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { loginLine } from "../../testing/logins.ts";
import { MailSink, type Received } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const LOGIN = ["--auth-user", "ann", "--auth-password", "secret"];
const SOURCE = ["--proxy-source", "192.0.2.7", "--proxy-source-port", "4711"];
const PROXY = [
  "--proxy-family",
  "TCP4",
  ...SOURCE,
  "--proxy-dest",
  "198.51.100.1",
  "--proxy-dest-port",
  "25",
];
const PROXY_2 = PROXY.with(1, "AF_INET");

interface Door {
  readonly options: readonly string[];
  /** Of the engine's listeners. */
  readonly server?: "smtp" | "proxied";
  /** In what swaks shows of the session. */
  readonly said: RegExp;
  /** In the trace field of what arrives. */
  readonly trace: RegExp;
}

const doors: Record<string, Door> = {
  "over STARTTLS": { options: ["--tls"], said: /=== TLS started with cipher/, trace: /with ESMTPS id/ },
  "in groups of commands": {
    options: ["--pipeline"],
    said: /PIPELINING[\s\S]* -> MAIL FROM:.*\n -> RCPT TO:/,
    trace: /with ESMTP id/,
  },
  "with AUTH PLAIN": {
    options: ["--tls", "--auth", "PLAIN", ...LOGIN],
    said: /~> AUTH PLAIN \S+\n<~ {2}235 2\.7\.0/,
    trace: /with ESMTPSA id/,
  },
  "with AUTH LOGIN": {
    options: ["--tls", "--auth", "LOGIN", ...LOGIN],
    said: /~> AUTH LOGIN\n<~ {2}334 [\s\S]*<~ {2}235 2\.7\.0/,
    trace: /with ESMTPSA id/,
  },
  "for another client, by XCLIENT": {
    options: [
      "--xclient-addr",
      "192.0.2.9",
      "--xclient-helo",
      "other.example.org",
      "--xclient-proto",
      "ESMTP",
    ],
    said: /-> XCLIENT .*\n<- {2}220 /,
    trace: /\[192\.0\.2\.9\]/,
  },
  "behind a PROXY header of version 1": {
    options: ["--proxy-version", "1", ...PROXY],
    server: "proxied",
    said: /-> PROXY TCP4 192\.0\.2\.7/,
    trace: /\[192\.0\.2\.7\]/,
  },
  "behind a PROXY header of version 2": {
    options: ["--proxy-version", "2", ...PROXY_2],
    server: "proxied",
    said: /<- {2}220 /,
    trace: /\[192\.0\.2\.7\]/,
  },
};

const skip = hasPeer("exim") ? false : "needs swaks (make setup)";
describe("swaks", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "swaks-"));
  let sink: MailSink;
  let engine: Engine;

  before(async () => {
    const { cert, key } = makeCertificate(folder, "localhost");
    writeFileSync(join(folder, "logins"), loginLine("ann", "secret"));
    sink = await MailSink.start();
    const listeners = [{ port: 0, address: "127.0.0.1" }];
    const networks = { relaynetworks: ["127.0.0.1/32", "192.0.2.0/24"] };
    engine = await startEngine({
      server: `127.0.0.1:${sink.port}`,
      startup: {
        servers: [
          { id: "smtp", listeners },
          { id: "proxied", proxyprotocol: true, listeners },
        ],
        pki: { private: [{ id: "own", cert, key }] },
      },
      app: {
        servers: [
          {
            id: "smtp",
            transport: "default",
            tls: { certs: [{ cert: "own" }] },
            auth: { file: join(folder, "logins") },
            xclientnetworks: ["127.0.0.1/32"],
            ...networks,
          },
          { id: "proxied", transport: "default", ...networks },
        ],
      },
    });
  });
  after(async () => {
    await Promise.all([engine?.stop(), sink?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  let count = 0;
  for (const [how, { options, server = "smtp", said, trace }] of Object.entries(doors)) {
    test(`sends ${how}`, async () => {
      const subject = `by-swaks-${++count}`;
      const port = engine.mta.ports.get(server) ?? 0;
      const to = ["--from", "ann@example.org", "--to", "bob@example.net,cyd@example.net"];
      const mail = [...to, "--header", `Subject: ${subject}`];
      const swaks = ["swaks", "--server", "127.0.0.1", "--port", String(port), ...options, ...mail];
      const { stdout } = await promisify(execFile)("chroot", [peerFolder("exim"), ...swaks]);
      assert.match(stdout, said);
      assert.match(stdout, /<[-~] {2}250 2\.0\.0 Ok: queued as/);
      assert.match(stdout, /<[-~] {2}221 /);
      const mine = ({ content }: Received): boolean => content.includes(`Subject: ${subject}\r\n`);
      const [received] = await until(
        () => sink.received.filter(mine),
        (list) => list.length === 1,
      );
      assert.deepEqual(received?.recipients, ["bob@example.net", "cyd@example.net"]);
      assert.match(String(received.content), trace);
    });
  }
});
