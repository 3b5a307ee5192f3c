import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { type TLSSocket, connect as connectTls, createSecureContext } from "node:tls";

import { Lines } from "../../testing/dialogue.ts";
import { hooksOf } from "../../testing/hook-scripts.ts";
import { Receiver } from "../../testing/receiver.ts";
import type { Credentials } from "../session/credentials.ts";
import type { OnError } from "./scripts.ts";
import type { SessionHook } from "./stages.ts";

const read = (name: string): string =>
  readFileSync(new URL(`../session/testdata/${name}`, import.meta.url), "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const plain = (login: string, password: string): string => `AUTH PLAIN ${base64(`\0${login}\0${password}`)}`;
const passwordsOfTheFile: Credentials = {
  verify: async (login, password) => (login === "file" && password === "right" ? "right" : "wrong"),
};

async function withClient(
  scripts: Partial<Record<SessionHook, string>>,
  run: (client: Lines, receiver: Receiver) => Promise<void>,
  options: { credentials?: Credentials; onError?: OnError } = {},
): Promise<void> {
  const hooks = hooksOf(scripts, options.onError === undefined ? {} : { onError: options.onError });
  const settings = { implicitTls: true, credentials: options.credentials ?? null, hooks };
  const receiver = await Receiver.start({ tls, settings, relayNetworks: [] });
  const socket: TLSSocket = connectTls({ port: receiver.port, host: "127.0.0.1", rejectUnauthorized: false });
  try {
    const client = new Lines(socket);
    await client.reply();
    assert.match(await client.ask("EHLO client.example.org"), /\n250-AUTH PLAIN LOGIN/);
    await run(client, receiver);
  } finally {
    socket.destroy();
    await receiver.close();
  }
}

describe("auth", () => {
  test("a script knows who may log in, gives another name, and later scripts see it", () =>
    withClient(
      {
        auth: `if ($arguments["username"] == "ann" and $arguments["password"] == "p\\xc3\\xa4ss" and $arguments["mechanism"] == "PLAIN")
            Accept(["username" => "boss"]);
          Reject();`,
        mailfrom: `Reject([$connection["auth"]["username"], $connection["auth"]["mechanism"], $connection["tls"]["protocol"],
          string($connection["tls"]["keysize"])]);`,
      },
      async (client) => {
        assert.equal(await client.ask(plain("ann", "wrong")), "535 5.7.8 Login or password is wrong");
        assert.equal(await client.ask(plain("ann", "päss")), "235 2.7.0 Authenticated");
        const lines = (await client.ask("MAIL FROM:<a@example.org>"))
          .split("\n")
          .map((line) => line.slice(10));
        assert.deepEqual(lines.slice(0, 3), ["boss", "PLAIN", "TLSv1.3"]);
        assert.match(lines[3] ?? "", /^(128|256)$/);
      },
    ));

  test("who a script accepts may send anywhere", () =>
    withClient({ auth: `Accept();` }, async (client) => {
      await client.ask(plain("x", "y"));
      await client.ask("MAIL FROM:<a@example.org>");
      assert.match(await client.ask("RCPT TO:<b@far.example>"), /^250 /);
    }));

  test("where a script does not decide, the passwords of the configuration do", () =>
    withClient(
      { auth: `if ($arguments["username"] == "shut") Defer();` },
      async (client) => {
        assert.match(await client.ask(plain("shut", "right")), /^454 /);
        assert.match(await client.ask(plain("file", "wrong")), /^535 /);
        assert.match(await client.ask(plain("file", "right")), /^235 /);
      },
      { credentials: passwordsOfTheFile },
    ));

  test("without such passwords, nobody gets in by a script that says nothing", () =>
    withClient({ auth: `$x = 1;` }, async (client) => {
      assert.match(await client.ask(plain("x", "y")), /^535 /);
    }));

  test("a script speaks a mechanism of its own", () =>
    withClient(
      {
        auth: `if ($arguments["mechanism"] != "XRIDDLE") Reject();
          if ($arguments["state"] == 0) Reply("what has " . base64_decode($arguments["response"]));
          if (base64_decode($arguments["response"]) == "a tail") Accept(["username" => "sphinx"]);
          Reject();`,
      },
      async (client) => {
        assert.equal(
          await client.ask(`AUTH XRIDDLE ${base64("four legs")}`),
          `334 ${base64("what has four legs")}`,
        );
        assert.equal(await client.ask("*"), "501 5.7.0 Cancelled");
        await client.ask(`AUTH XRIDDLE ${base64("four legs")}`);
        assert.match(await client.ask(base64("a tail")), /^235 /);
      },
    ));

  for (const [what, text] of Object.entries({
    throws: `throw "x";`,
    "loops without end": `while (true) { $i += 1; }`,
    "calls itself without end": `function f($n) { return f($n + 1); } f(0);`,
  }))
    test(`a script that ${what} lets nobody in, and the session goes on`, () =>
      withClient(
        { auth: text },
        async (client, receiver) => {
          assert.match(await client.ask(plain("file", "right")), /^454 4\.7\.0 /);
          assert.match(await client.ask("NOOP"), /^250 /);
          assert.equal(receiver.hookFigures.errors.auth, 1);
        },
        { credentials: passwordsOfTheFile },
      ));

  test("a name that is no text counts as none given", () =>
    withClient({ auth: `Accept(["username" => [1, 2]]);` }, async (client) => {
      assert.match(await client.ask(plain("x", "y")), /^235 /);
    }));
});
