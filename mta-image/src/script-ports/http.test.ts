/** http() of scripts against real servers: what is sent, what comes back, who has to prove what, and what waits in the background. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecure } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { systemClock } from "#base/clock.ts";

import { makeCertificate } from "../../testing/certificates.ts";
import { makeLogLines } from "../../testing/log-lines.ts";
import { linesOf } from "../../testing/script-lines.ts";
import { until } from "../../testing/until.ts";
import { folderFiles } from "./files.ts";
import { ScriptHttp } from "./http.ts";
import { configuredKeys } from "./keys.ts";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const folder = mkdtempSync(join(tmpdir(), "script-http-"));
const certificate = makeCertificate(folder, "localhost");
const http = new ScriptHttp({ clock: systemClock, addresses: () => new Map([["second", "127.0.0.2"]]) });
/** What was asked of paths below /note. */
const noted: string[] = [];

const web = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { url = "", method = "", headers, socket } = request;
    const body = Buffer.concat(chunks).toString("latin1").replace(UUID, "BOUNDARY");
    if (url.startsWith("/note")) {
      noted.push(`${method} ${url} ${body}`);
      return response.writeHead(noted.filter((line) => line.includes(url)).length < 3 ? 503 : 200).end();
    }
    if (url === "/large") return response.end("x".repeat(1000));
    if (url === "/from") return response.writeHead(302, { location: "/to" }).end("moved");
    if (url === "/missing") return response.writeHead(404, { "x-b": "2", date: "now" }).end("not here");
    if (url === "/silent") return undefined;
    if (url === "/where") return response.end(socket.remoteAddress);
    if (url === "/headers") return response.end(request.rawHeaders.join("|"));
    const { "content-type": type = "", authorization = "", "x-a": a = "" } = headers;
    return response.end([method, url, type.replace(UUID, "BOUNDARY"), authorization, a, body].join("|"));
  });
});
const { key, cert } = certificate.pem;
const secure = createSecure({ key, cert }, (_, response) => response.end("secret"));
const guarded = createSecure(
  {
    key,
    cert,
    ca: readFileSync(makeCertificate(folder, "client").ca),
    requestCert: true,
    rejectUnauthorized: true,
  },
  (_, response) => response.end("known"),
);
const elsewhere = makeCertificate(folder, "elsewhere.example", { address: "192.0.2.1" });
const misnamed = createSecure({ key: elsewhere.pem.key, cert: elsewhere.pem.cert }, (_, response) =>
  response.end("misnamed"),
);
const local = createServer((request, response) => response.end(`local ${request.headers.host}`));
const localPath = join(folder, "web.sock");
const proxy = createServer((request, response) =>
  response.end(`by proxy ${request.url} for ${request.socket.remoteAddress}`),
);
// Takes tunnels and says nothing.
proxy.on("connect", () => undefined);
const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
const servers = [web, secure, guarded, misnamed, proxy];

before(async () => {
  for (const server of servers)
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve as () => void));
  await new Promise<void>((resolve) => local.listen(localPath, resolve));
});

after(async () => {
  await http.close();
  for (const server of [...servers, local]) server.close();
  rmSync(folder, { recursive: true });
});

/** What the script says, line by line. */
async function said(text: string, by = http): Promise<string[]> {
  const source = text
    .replaceAll("WEB", `http://127.0.0.1:${port(web)}`)
    .replaceAll("SECURE", `https://127.0.0.1:${port(secure)}`)
    .replaceAll("MISNAMED", `https://127.0.0.1:${port(misnamed)}`)
    .replaceAll("GUARDED", `https://127.0.0.1:${port(guarded)}`)
    .replaceAll("PROXY", `127.0.0.1:${port(proxy)}`);
  const keys = [{ id: "client", key: join(folder, "client.key"), cert: join(folder, "client.crt") }];
  return linesOf(source, { http: by, files: folderFiles(folder), keys: configuredKeys(() => keys) });
}

test("http() sends what the script says and gives what comes back", async () => {
  assert.deepEqual(
    await said(`
      echo http("WEB/a?b=c", ["headers" => ["X-A: 1"], "username" => "u", "password" => "p"]);
      echo http("WEB/", [], [], "x=y");
      echo http("WEB/", ["method" => "PUT"], [], File::String("data"));
      echo http("WEB/", [], [], ["a" => "b", "f" => File::String("c")]);
      echo length(http("WEB/large", ["max_file_size" => 1000]));
      echo http("WEB/large", ["max_file_size" => 999]);
      echo http("WEB/from", ["redirects" => 1]);
      echo http("WEB/from", ["redirects" => -1]);
      $n = 0;
      echo http("WEB/", [], [], function () closure ($n) { return $n++ < 2 ? "again " : none; });
      $file = File::String("of a " . "file" * 20000);
      echo length(http("WEB/", [], [], function ($wanted) closure ($file) { return $file->read($wanted); }));
    `),
    [
      "GET|/a?b=c||Basic dTpw|1|",
      "POST|/|application/x-www-form-urlencoded|||x=y",
      "PUT|/|application/octet-stream|||data",
      'POST|/|multipart/form-data; boundary=BOUNDARY|||--BOUNDARY\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--BOUNDARY\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nc\r\n--BOUNDARY--\r\n',
      "1000",
      "none",
      "GET|/to||||",
      "GET|/to||||",
      "POST|/|application/x-www-form-urlencoded|||again again ",
      String("POST|/|application/x-www-form-urlencoded|||of a ".length + 80_000),
    ],
  );
});

test("values of get are put in the place of $1, $2, … of the URL, encoded", async () => {
  assert.deepEqual(
    await said(`
      echo http("WEB/$1/x?q=$2&r=$3&s=$11", [], ["a b", "c&d=\\xc3\\xa9/$1"]);
      echo http("WEB/?q=$1", [], ["name" => "v"]);
      echo http("127.0.0.1:${port(web)}/plain");
      echo http("ftp://127.0.0.1/");
      echo http("http://[/");
    `),
    [
      "GET|/a%20b/x?q=c%26d%3D%C3%A9%2F%241&r=$3&s=$11||||",
      "GET|/?q=v||||",
      "GET|/plain||||",
      "none",
      "none",
    ],
  );
});

test("only answers of 2XX are a result, unless the script wants the status or the whole answer", async () => {
  assert.deepEqual(
    await said(`
      echo http("WEB/missing");
      echo http("WEB/from");
      $all = http("WEB/missing", ["extended_result" => true, "response_headers" => true]);
      echo $all["status"] . " " . $all["content"] . " " . array_includes("x-b: 2", $all["headers"]);
      echo http("WEB/from", ["extended_result" => true])["status"];
      [$head, $body] = str_split(http("WEB/missing", ["response_headers" => true]), "\\r\\n\\r\\n");
      echo $body;
      $lines = str_split($head, "\\r\\n");
      echo $lines[0] . " " . array_includes("x-b: 2", $lines);
      echo http("http://127.0.0.1:1/", ["extended_result" => true]);
      echo http("WEB/silent", ["timeout" => 0.05, "extended_result" => true]);
    `),
    ["none", "none", "404 not here true", "302", "not here", "HTTP/1.1 404 Not Found true", "none", "none"],
  );
});

test("why a script was given none stands in the log, and nothing that only the script may know", async (t) => {
  const { log, lines } = makeLogLines();
  const logging = new ScriptHttp({ clock: systemClock, log });
  t.after(() => logging.close());
  const heard = await said(
    `
      echo http("http://user:secret@localhost:1/secret?secret");
      echo http("SECURE/secret?secret");
      echo http("WEB/large?secret", ["max_file_size" => 9]);
      echo http("WEB/silent", ["timeout" => 0.05]);
      echo http("WEB/missing", ["headers" => ["X-A: secret"]]);
      echo http("WEB/missing", ["extended_result" => true])["status"];
      echo http("secret://localhost/secret");
      echo http("WEB/");
    `,
    logging,
  );
  assert.deepEqual(heard, ["none", "none", "none", "none", "none", "404", "none", "GET|/||||"]);
  const origin = `http://127.0.0.1:${port(web)}`;
  assert.deepEqual(
    lines.map(({ msg, url, level }) => [msg, url, level]),
    [
      ["http-no-answer", "http://localhost:1", 40],
      ["http-no-answer", `https://127.0.0.1:${port(secure)}`, 40],
      ["http-no-answer", origin, 40],
      ["http-no-answer", origin, 40],
      ["http-no-result", origin, 30],
      ["http-no-answer", "", 40],
    ],
  );
  const reasons = lines.map(({ error, status }) => error ?? status);
  assert.match(String(reasons[0]), /ECONNREFUSED/);
  assert.match(String(reasons[1]), /certificate/);
  assert.deepEqual(reasons.slice(2), [
    "the answer has more than 9 bytes",
    "no answer in time",
    404,
    "no URL of http or https",
  ]);
  assert.doesNotMatch(JSON.stringify(lines), /secret/);
});

test("a header without a value is left out, and those that the client writes by itself are no trouble", async () => {
  const [line = ""] = await said(`
    echo http("WEB/headers", ["headers" => ["Host: example.com", "Expect: ", "Transfer-Encoding: ", "Content-Type:", "Connection: close"]], [], "x");
  `);
  const sent = line.split("|");
  assert.equal(sent[sent.findIndex((name) => name.toLowerCase() === "host") + 1], "example.com");
  assert.deepEqual(
    sent.filter((name) => /^(expect|transfer-encoding|content-type)$/i.test(name)),
    [],
  );
});

test("https servers have to prove who they are unless told otherwise", async () => {
  const lines = await said(`
    echo http("SECURE/");
    echo http("SECURE/", ["tls_verify_peer" => false]);
    echo http("SECURE/", ["tls_ca" => File::read("localhost.ca.crt")]);
  `);
  assert.deepEqual(lines, ["none", "secret", "secret"]);
});

test("the name on a certificate counts unless the script says otherwise, and who vouches is its choice", async () => {
  const lines = await said(`
    $ca = File::read("elsewhere.example.ca.crt");
    echo http("MISNAMED/", ["tls_ca" => $ca]);
    echo http("MISNAMED/", ["tls_ca" => $ca, "tls_verify_host" => false]);
    echo http("SECURE/", ["tls_ca" => $ca, "tls_verify_host" => false]);
    echo http("SECURE/", ["tls_ca" => File::read("localhost.ca.crt"), "tls_default_ca" => false]);
    echo http("SECURE/", ["tls_default_ca" => false]);
  `);
  assert.deepEqual(lines, ["none", "misnamed", "none", "secret", "none"]);
});

test("a request goes to the path of a UNIX socket that the script names", async () => {
  const lines = await said(`
    echo http("http://inside.example/x", ["unix_socket_path" => "${localPath}"]);
    echo http("http://inside.example/x", ["unix_socket_path" => "${localPath}.none"]);
  `);
  assert.deepEqual(lines, ["local inside.example", "none"]);
});

test("tls_verify_cert shows a certificate of the script", async () => {
  const lines = await said(`
    $own = ["x509" => File::read("client.crt"), "privatekey" => File::read("client.key")];
    echo http("GUARDED/", ["tls_verify_peer" => false, "tls_verify_cert" => $own]);
  `);
  assert.deepEqual(lines, ["known"]);
});

test("tls_client_cert shows a certificate of the configuration", async () => {
  const lines = await said(`
    echo http("GUARDED/", ["tls_verify_peer" => false]);
    echo http("GUARDED/", ["tls_verify_peer" => false, "tls_client_cert" => "pki:client"]);
    try { http("GUARDED/", ["tls_client_cert" => "pki:nobody"]); } catch ($e) { echo $e->toString(); }
  `);
  assert.deepEqual(lines.slice(0, 2), ["none", "known"]);
  assert.match(lines[2] ?? "", /there is no certificate nobody/);
});

test("a request leaves from the address, or the named address, that the script says", async () => {
  const lines = await said(`
    echo http("WEB/where");
    echo http("WEB/where", ["sourceip" => "127.0.0.3"]);
    echo http("WEB/where", ["sourceipid" => "second"]);
    echo http("WEB/where", ["sourceipid" => "nobody"]);
  `);
  assert.deepEqual(lines, ["127.0.0.1", "127.0.0.3", "127.0.0.2", "none"]);
});

test("the proxy is that of the script, else that of the environment, or none", async (t) => {
  const named = await said(
    `echo http("http://there.example/a", ["proxy" => "PROXY", "sourceip" => "127.0.0.3"]);`,
  );
  assert.match(named[0] ?? "", /^by proxy .*\/a for 127.0.0.3$/);
  const silent = await said(
    `echo http("https://there.example/", ["proxy" => "PROXY", "connect_timeout" => 0.1]);`,
  );
  assert.deepEqual(silent, ["none"]);
  const before = process.env["http_proxy"];
  process.env["http_proxy"] = `http://127.0.0.1:${port(proxy)}`;
  t.after(() => {
    if (before === undefined) delete process.env["http_proxy"];
    else process.env["http_proxy"] = before;
  });
  // A time of its own keeps these from the connections that were made before.
  const [inherited = "", none] = await said(`
    echo http("WEB/b", ["connect_timeout" => 9]);
    echo http("WEB/b", ["connect_timeout" => 9, "proxy" => ""]);
  `);
  assert.match(inherited, /^by proxy .*\/b for/);
  assert.equal(none, "GET|/b||||");
});

test("requests in the background are made in turn, and again until there is a good answer", async () => {
  const lines = await said(`
    $options = ["background" => true, "background_retry_count" => 5, "background_retry_delay" => 0.01];
    echo http("WEB/note/$1", $options, ["a"], "first");
    echo http("WEB/note/b", $options + ["background_hash" => 16], [], File::String("second"));
    echo http("WEB/note/c", ["background" => true]);
  `);
  assert.deepEqual(lines, ["true", "true", "true"]);
  await until(
    () => noted.length,
    (count) => count === 7,
  );
  assert.deepEqual(noted, [
    ...Array.from({ length: 3 }, () => "POST /note/a first"),
    ...Array.from({ length: 3 }, () => "POST /note/b second"),
    "GET /note/c ",
  ]);
});

test("a queue does not wait for another, and more than can be held is not queued", async () => {
  const lines = await said(`
    echo http("WEB/silent", ["background" => true, "background_hash" => 1]);
    echo http("WEB/note/other", ["background" => true, "background_hash" => 2]);
    echo http("WEB/note/much", ["background" => true], [], str_repeat("x", 65 * 1024 * 1024));
  `);
  assert.deepEqual(lines, ["true", "true", "none"]);
  await until(
    () => noted,
    (all) => all.some((line) => line.startsWith("GET /note/other")),
  );
});
