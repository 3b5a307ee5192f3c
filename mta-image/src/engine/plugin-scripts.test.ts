/** Scripts of the mail path that call plugins, in a whole engine: global functions, modules, waiting ones. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { after, before, test } from "node:test";

import type { PluginList } from "#contract/plugins-api.ts";

import { Lines } from "../../testing/dialogue.ts";
import { type Engine, appConfig, startEngine } from "../../testing/harness.ts";
import { buildNative, testPlugin } from "../../testing/native-plugins.ts";

buildNative();

/** A server whose senders are judged by this script. */
const judging = (script: string) => ({
  server: "127.0.0.1:1",
  appServer: { phases: { mailfrom: { hook: "judge" } } },
  app: {
    scripting: {
      files: [{ id: "greeting", data: "hello" }],
      hooks: { mailfrom: [{ id: "judge", data: script }] },
    },
  },
});

let engine: Engine;
before(async () => {
  engine = await startEngine({
    ...judging(`Reject(shout("no"));`),
    startup: { plugins: [{ id: "nap", path: testPlugin("nap") }], scripting: { ffi: true } },
  });
});
after(() => engine.stop());

async function reply(script: string): Promise<string> {
  const files = { "smtpd-app.yaml": JSON.stringify(appConfig(judging(script))) };
  const pushed = await engine.admin("PUT", "/v1/config", { revision: script.slice(0, 100), files });
  assert.equal(pushed.status, 200, JSON.stringify(pushed.json));
  return answer();
}

async function answer(): Promise<string> {
  const client = await Lines.to(engine.smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  const said = await client.ask("MAIL FROM:<a@example.org>");
  client.socket.destroy();
  return said;
}

test("a function of a plugin is there when the engine has started", async () => {
  assert.equal(await answer(), "554 5.7.1 NO");
});

test("a function that waits lets the others go on", async () => {
  const slow = reply(`if (nap(300) >= 300) Reject("slept"); else Reject("did not sleep");`);
  assert.equal(await slow, "554 5.7.1 slept");
});

test("a plugin's module is imported by its id", async () => {
  assert.equal(
    await reply(`import { shout as loud } from "extras://nap"; Reject(loud("module"));`),
    "554 5.7.1 MODULE",
  );
});

test("what a plugin throws, a script catches", async () => {
  const script = `try { shout(1); } catch ($e) { Reject($e->message()); }`;
  assert.equal(await reply(script), "554 5.7.1 shout wants a string");
});

test("a script that calls what no plugin offers is refused, and the one before stays", async () => {
  const files = { "smtpd-app.yaml": JSON.stringify(appConfig(judging(`whisper("x");`))) };
  const { status, json } = await engine.admin("PUT", "/v1/config", { revision: "bad", files });
  assert.equal(status, 422);
  assert.match(JSON.stringify(json), /there is no function whisper/);
});

test("where it is allowed, a script calls C functions, and gives them a File", async () => {
  const script = `try {
      $getc = FFI("libc.so.6")->func("fgetc", [FFI::type("pointer")], FFI::type("sint32"));
      $said = chr(FFI::number($getc(File("file://greeting")->toFFIValue())));
    } catch ($e) { $said = $e->message(); }
    Reject($said);`;
  assert.equal(await reply(script), "554 5.7.1 h");
});

test("a message and a built one are a FILE of C, read by C from start to end", async () => {
  const script = `
    $libc = FFI("libc.so.6");
    $pointer = FFI::type("pointer");
    $size = FFI::type("uint64");
    $read = $libc->func("fread", [$pointer, $size, $size, $pointer], $size);
    $seek = $libc->func("fseek", [$pointer, FFI::type("sint64"), FFI::type("sint32")], FFI::type("sint32"));
    function lastBytes($file, $count) {
      global $read; global $seek;
      $buffer = FFI::allocate($count);
      $stream = $file->toFFIValue();
      $seek($stream, -$count, 2);
      return FFI::string($buffer, FFI::number($read($buffer, 1, $count, $stream)));
    }
    $mime = MIME()->addHeader("Subject", "x")->setBody("a body of a part, end");
    $mail = MailMessage::String($mime->toString());
    Reject(lastBytes($mime->toFile(), 5) . lastBytes($mail->toFile(), 3) . lastBytes(File("file://greeting"), 4));`;
  assert.equal(await reply(script), "554 5.7.1 , endendello");
});

test("a certificate is an X509 of OpenSSL for C, and a socket a descriptor", async () => {
  const listening = createServer().listen(0, "127.0.0.1");
  await once(listening, "listening");
  const { port } = listening.address() as AddressInfo;
  const pem = readFileSync(new URL("../session/testdata/test-cert.pem", import.meta.url), "latin1");
  const script = `
    $int = FFI::type("sint32");
    $version = FFI("libcrypto.so.3")->func("X509_get_version", [FFI::type("pointer")], FFI::type("sint64"));
    $certificate = X509::String(${JSON.stringify(pem)})->toFFIValue();
    $socket = Socket("AF_INET", "SOCK_STREAM");
    $before = $socket->toFFIValue();
    $socket->connect("127.0.0.1", ${port});
    $flags = FFI("libc.so.6")->func("fcntl", [$int, $int], $int)($socket->toFFIValue(), 1);
    Reject([string(FFI::number($version($certificate))), string($before), string(FFI::number($flags))]);`;
  try {
    assert.equal(await reply(script), "554-5.7.1 2\n554-5.7.1 \n554 5.7.1 1");
  } finally {
    listening.close();
  }
});

test("calls are counted for the plugin", async () => {
  const { plugins } = (await engine.admin("GET", "/v1/plugins")).json as PluginList;
  assert.ok((plugins[0]?.figures?.calls ?? 0) >= 4);
  assert.deepEqual(plugins[0]?.functions, ["nap", "module:nap", "shout", "module:shout"]);
});
