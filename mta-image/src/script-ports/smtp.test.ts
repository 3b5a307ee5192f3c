/** send() and smtp_lookup_*() of scripts against real servers: every option of a server, and what the script hears of it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:net";
import { test } from "node:test";
import { createServer as createSecure } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { certificate, folder, host, look, mails, port, said, smtp } from "../../testing/script-smtp.ts";

test("mail goes to a named server, in the clear unless the script says otherwise, and questions are answered", async () => {
  mails.length = 0;
  assert.deepEqual(
    await said(`
      $m = MIME()->addHeader("Subject", "hi")->setBody("a\\n.\\nb");
      echo $m->send("s@example.com", ["r@example.com"], HOST)["result"];
      echo $m->send("s@example.com", ["r@example.com", "no@example.com"], HOST)["result"]["state"];
      echo $m->send("s@example.com", ["r@example.com"], ["host" => HOST, "tls" => "require"])["result"]["code"];
      echo $m->send("s@example.com", ["r@example.com"], "127.0.0.1:1")["error"]["temporary"];
      $r = $m->send("s@example.com", ["no@example.com"], ["host" => HOST, "tls" => "require"]);
      echo [$r["connection"], $r["tls"]["started"], $r["tls"]["protocol"]];
      $r = $m->send("s@example.com", ["no@example.com"], "127.0.0.1:1");
      echo [isset($r["connection"]), $r["tls"], $r["error"]["reason"] === $r["error"]["message"]];
      echo smtp_lookup_rcpt(HOST, "", "no@example.com");
      echo smtp_lookup_auth(PLAIN, "u", "right");
      echo smtp_lookup_auth(["host" => HOST, "tls" => "require"], "u", "wrong");
      echo smtp_lookup_auth("127.0.0.1:1", "u", "wrong");
      echo smtp_lookup_auth(["port" => PORT], "u", "right");
    `),
    [
      '["code"=>250,"enhanced"=>[],"reason"=>[0=>"OK: message queued"],"state"=>"EOD"]',
      ..."RCPT 250 true".split(" "),
      '[0=>["localip"=>"127.0.0.1","remoteip"=>"127.0.0.1","remotemx"=>"127.0.0.1"],1=>true,2=>"TLSv1.3"]',
      '[0=>false,1=>["started"=>false],2=>true]',
      ..."0 1 0 -1 -1".split(" "),
    ],
  );
  const body = "Subject: hi\r\n\r\na\r\n.\r\nb\r\n";
  assert.deepEqual(mails, [`false ${body}`, `true ${body}`]);
});

test("a server is one of a list, a transport, or the recipient's mail exchanger that the script wants", async () => {
  assert.deepEqual(await look('["host" => ["127.0.0.1:1", HOST]]'), [
    "1",
    "127.0.0.1 127.0.0.1 us.example clear",
  ]);
  const [verdict, from] = await look('"out"');
  assert.match(`${verdict} ${from}`, /^1 127\.0\.0\.2 127\.0\.0\.1 us\.example TLS/);
  assert.equal((await look('"strict"'))[0], "-1");
  const reached = async (options: string): Promise<string> =>
    (await look(`["port" => PORT, ${options}]`))[1].split(" ")[1] ?? "nothing";
  assert.deepEqual(
    [
      await reached(""),
      await reached('"host" => "lookup-mx", "mx_exclude" => ["MX.example.com"]'),
      await reached('"mx_include" => ["*.other.example"]'),
      await reached('"mx_include" => ["*.b.other.example"]'),
      await reached('"mx_include" => ["mx.*"]'),
      await reached('"mx_include" => ["mx.example.com"], "mx_exclude" => ["*.example.com"]'),
    ],
    ["127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3", "nothing", "nothing"],
  );
  assert.deepEqual(await look('["port" => PORT]', "r@null.example"), ["0", ""]);
  // What DNS says leads to no host of our own network.
  assert.deepEqual(await said('echo smtp_lookup_rcpt(["port" => PORT], "", "r@example.com");', true), ["0"]);
});

test("a server of the script's choice is spoken to from the address and under the name of its choice", async () => {
  const from = async (options: string): Promise<string> =>
    (await look(`["host" => HOST, ${options}]`)).join(" ");
  assert.equal(
    await from('"sourceip" => "127.0.0.4", "helo" => "me.example"'),
    "1 127.0.0.4 127.0.0.1 me.example clear",
  );
  assert.equal(await from('"sourceipid" => "second"'), "1 127.0.0.2 127.0.0.1 us.example clear");
  assert.equal(await from('"sourceipid" => "third"'), "-1 ");
  assert.equal(await from('"sourceip" => "::1"'), "-1 ");
  const ask = (server: string): string =>
    `echo smtp_lookup_rcpt(${server}, "", "r@example.com", ["extended_result" => true])["error_message"];`;
  assert.deepEqual(await said(ask('["host" => HOST, "nonlocal_source" => true]')), [
    "nonlocal_source is to be had in the engine alone",
  ]);
});

test("waits are as long as the script says of each state", async () => {
  const error = async (options: string): Promise<string | undefined> => {
    const ask = `smtp_lookup_rcpt(["host" => ODD, ${options}], "", "r@example.com", ["extended_result" => true])`;
    return (
      await said(`$r = ${ask}; echo $r["result"] . " " . $r["error_message"] . " " . $r["on_rcptto"];`)
    )[0];
  };
  for (const [state, line] of [
    ["BANNER", ""],
    ["EHLO", "EHLO us.example"],
    ["MAIL", "MAIL FROM:<>"],
    ["RCPT", "RCPT TO:<r@example.com>"],
  ]) {
    host.answer = (asked) => (asked.line === line ? "silence" : undefined);
    const expected = `-1 no answer in time ${state === "RCPT"}`;
    assert.equal(await error(`"timeout" => ["${state}" => 0.05]`), expected);
    // A slow machine may be late in an earlier state.
    assert.match((await error(`"timeout" => 0.05`)) ?? "", /^-1 no answer in time /);
  }
  host.answer = () => undefined;
  // The way through a proxy is a part of the way to the server.
  assert.match(
    (await error(`"sourceipid" => "proxied", "connect_timeout" => 0.05`)) ?? "",
    /^-1 proxy .*timed out/,
  );
});

test("TLS is spoken as the script says", async () => {
  const tls = async (options: string): Promise<string> => {
    const [verdict, line] = await look(`["host" => HOST, "tls" => "require", ${options}]`);
    return `${verdict} ${line.split(" ").slice(3).join(" ")}`;
  };
  assert.match(await tls(""), /^1 TLSv1\.3 \S+ nameless nobody$/);
  assert.match(await tls('"tls_sni" => "a.example"'), / a\.example nobody$/);
  assert.match(await tls('"tls_sni" => true'), / nameless nobody$/);
  const byName =
    '["port" => PORT, "tls" => "optional", "tls_sni" => true, "mx_include" => ["mx.example.com"]]';
  assert.match((await look(byName))[1], / mx\.example\.com nobody$/);
  assert.match(await tls('"tls_protocols" => "!TLSv1.3"'), /^1 TLSv1\.2 /);
  const ciphers = '"tls_protocols" => "TLSv1.2", "tls_ciphers" => "ECDHE-ECDSA-AES256-GCM-SHA384"';
  assert.match(await tls(ciphers), /^1 TLSv1\.2 ECDHE-ECDSA-AES256-GCM-SHA384 /);
  assert.equal(await tls('"tls_ciphers" => "NONE"'), "-1 ");
  assert.match(await tls('"tls_client_cert" => "pki:own"'), / client\.example$/);
  assert.equal(await tls('"tls_client_cert" => "pki:other"'), "-1 ");
  assert.match((await look('["host" => HOST]'))[1], / clear$/);
  assert.match((await look('["host" => HOST, "tls" => "optional", "tls_ciphers" => "NONE"]'))[1], / clear$/);
  assert.deepEqual(await look('["host" => PLAIN, "tls" => "require"]'), ["-1", ""]);
});

test("TLS is spoken from the first byte where the script says so", async (t) => {
  const wrapped = createSecure({ ...certificate.pem }, (socket) => {
    const inner = connect(port(smtp.server), "127.0.0.1");
    for (const end of [socket, inner]) end.on("error", () => undefined);
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => wrapped.listen(0, "127.0.0.1", resolve));
  t.after(() => wrapped.close());
  const ask = async (more: string): Promise<string> =>
    (await look(`["host" => "127.0.0.1:${port(wrapped)}", "timeout" => 60 ${more}]`))[0];
  assert.equal(await ask(', "tls_implicit" => true'), "1");
  assert.equal(await ask(', "timeout" => 1'), "-1");
});

test("of a certificate counts what the script says", async () => {
  const ca = '"tls_ca" => [File::read("mx.example.com.ca.crt")]';
  const verdict = async (options: string): Promise<string> =>
    (await look(`["port" => PORT, "mx_include" => ["mx.example.com"], ${options}]`))[0];
  assert.deepEqual(
    [
      await verdict('"tls" => "require_verify"'),
      await verdict('"tls" => "require_verify", "tls_default_ca" => true'),
      await verdict(`"tls" => "require_verify", ${ca}`),
      await verdict(`"tls" => "require_verify", "tls_verify_host" => true, "tls_default_ca" => true, ${ca}`),
      await verdict(
        `"tls" => "optional_verify", "tls_verify_name" => ["a.example", "mx.example.com"], ${ca}`,
      ),
      await verdict(`"tls" => "optional_verify", "tls_verify_name" => ["a.example"], ${ca}`),
      await verdict('"tls" => "require", "tls_verify_name" => ["a.example"]'),
    ],
    ["-1", "-1", "1", "1", "1", "-1", "-1"],
  );
  const other = `["host" => ["localhost:PORT"], "tls" => "require_verify", "tls_verify_host" => HOW, ${ca}]`;
  assert.equal((await look(other.replace("HOW", "true")))[0], "-1");
  assert.equal((await look(other.replace("HOW", "false")))[0], "1");
});

test("with DANE the certificate is the one that the domain names, or there is no mail", async () => {
  const verdict = async (mode: string, host: string): Promise<string> =>
    (await look(`["port" => PORT, "tls" => "${mode}", "mx_include" => ["${host}"]]`)).join(" ");
  assert.match(await verdict("dane_require", "mx.example.com"), /^1 .* mx\.example\.com nobody$/);
  assert.equal(await verdict("dane_require", "mx.other.example"), "-1 ");
  assert.match(await verdict("dane", "mx.other.example"), /^1 .* TLS/);
  assert.equal(await verdict("dane", "a.b.other.example"), "-1 ");
  const named = async (mode: string, host: string): Promise<string> => {
    const [line = ""] = await said(
      `$r = smtp_lookup_rcpt(["host" => "${host}", "port" => PORT, "tls" => "${mode}"], "", "a@elsewhere.example", ["extended_result" => true]);
       echo $r["result"] . " " . ($r["tls"]["started"] ? "secret" : "");`,
    );
    return line;
  };
  assert.equal(await named("dane_require", "mx.example.com"), "1 secret");
  assert.equal(await named("dane", "mx.other.example"), "1 secret");
  assert.equal(await named("dane", "a.b.other.example"), "-1 ");
  assert.equal(await named("dane_require", "mx.other.example"), "-1 ");
  assert.equal(await named("dane_require", "127.0.0.1"), "-1 ");
});

test("the usual authorities vouch only where the script wants them", async () => {
  const script = join(folder, "default-ca.hsl");
  const ask = (flag: boolean): string =>
    `echo smtp_lookup_rcpt(["host" => "127.0.0.1:${port(smtp.server)}", "tls" => "require_verify", "tls_default_ca" => ${flag}], "", "r@example.com");`;
  writeFileSync(script, ask(true) + ask(false));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      fileURLToPath(new URL("../programs/hsh.ts", import.meta.url)),
      script,
    ],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate.ca } },
  );
  assert.equal(stdout, "1\n-1\n");
});

test("the extended result names the reply, whether it was about the recipient, and TLS with its certificate", async () => {
  const options = '["host" => HOST, "tls" => "require", "tls_capture_peer_cert" => true]';
  const lines = await said(`
    $r = smtp_lookup_rcpt(${options}, "", "no@example.com", ["extended_result" => true]);
    echo [$r["result"], $r["error_code"], $r["error_message"], $r["on_rcptto"]];
    echo [$r["tls"]["started"], $r["tls"]["protocol"], $r["tls"]["keysize"]];
    echo X509($r["tls"]["peercert"]["x509"])->subject()[0][1];
    $r = smtp_lookup_rcpt(HOST, "", "r@example.com", ["extended_result" => true]);
    echo [$r["result"], $r["error_code"], $r["on_rcptto"], $r["tls"]];
    $r = smtp_lookup_rcpt("127.0.0.1:1", "", "r@example.com", ["extended_result" => true]);
    echo [$r["result"], $r["error_code"], $r["on_rcptto"]];
    $r = smtp_lookup_rcpt(["host" => HOST, "tls" => "require"], "", "r@example.com", ["extended_result" => true]);
    echo isset($r["tls"]["peercert"]);
  `);
  assert.deepEqual(lines, [
    '[0=>0,1=>550,2=>"unknown",3=>true]',
    '[0=>true,1=>"TLSv1.3",2=>256]',
    "mx.example.com",
    '[0=>1,1=>250,2=>true,3=>["started"=>false]]',
    "[0=>-1,1=>none,2=>false]",
    "false",
  ]);
});

test("XCLIENT names another client, and what the server says to it is the result", async () => {
  const xclient = '"xclient" => ["ADDR" => "192.0.2.9", "NAME" => "a.example", "helo" => "b c.example"]';
  assert.match((await look(`["host" => HOST, ${xclient}]`))[1], /^192\.0\.2\.9 /);
  host.lines.length = 0;
  await look(`["host" => ODD, ${xclient}]`);
  assert.match(
    host.lines.join("|"),
    /EHLO us\.example\|XCLIENT ADDR=192\.0\.2\.9 NAME=a\.example HELO=b\+20c\.example\|EHLO us\.example\|MAIL/,
  );
  host.answer = ({ line }) => (line.startsWith("XCLIENT") ? "550 5.7.0 not you\r\n" : undefined);
  const lines = await said(`
    echo MIME()->send("", ["r@example.com"], ["host" => ODD, ${xclient}])["result"];
    try { smtp_lookup_rcpt(["xclient" => ["A B" => "c"]], "", "r@example.com"); } catch ($e) { echo $e->message(); }
  `);
  assert.deepEqual(lines, [
    '["code"=>550,"enhanced"=>[0=>5,1=>7,2=>0],"reason"=>[0=>"not you"],"state"=>"XCLIENT"]',
    "xclient is an array of attributes by name",
  ]);
  host.answer = () => undefined;
});

test("LMTP is spoken where the script says so, and the worst word on a recipient is the result", async () => {
  mails.length = 0;
  const send = 'MIME()->setBody("x")->send("", ["a@example.com", "b@example.com"]';
  assert.deepEqual(await said(`echo ${send}, ["host" => LMTP, "protocol" => "lmtp"])["result"]["code"];`), [
    "250",
  ]);
  assert.equal(mails.length, 1);
  assert.deepEqual(await said(`echo ${send}, LMTP)["result"]["code"];`), ["500"]);
  host.lines.length = 0;
  host.answer = ({ line }) => (line === "." ? "250 2.0.0 taken\r\n552 5.2.2 full\r\n" : undefined);
  const lines = await said(`echo ${send}, ["host" => ODD, "protocol" => "lmtp"])["result"]["reason"];`);
  host.answer = () => undefined;
  assert.deepEqual(lines, ['[0=>"full"]']);
});

test("a script that signs on does so before its mail", async () => {
  host.keywords = ["AUTH LOGIN"];
  host.answer = ({ line }) =>
    line === "AUTH LOGIN" || line === "dQ=="
      ? "334 go on\r\n"
      : line === "cA=="
        ? "235 2.7.0 known\r\n"
        : undefined;
  host.lines.length = 0;
  await look('["host" => ODD, "saslusername" => "u", "saslpassword" => "p"]');
  // The QUIT of the conversation before may come late.
  assert.match(host.words, /EHLO AUTH DQ== CA== MAIL RCPT/);
  host.lines.length = 0;
  await look('["host" => ODD, "username" => "u", "password" => "p"]');
  assert.match(host.words, /EHLO AUTH DQ== CA== MAIL RCPT/);
});
