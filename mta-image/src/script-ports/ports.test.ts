import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createSecure } from "node:https";
import { type AddressInfo, createServer as createPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { makeCertificate } from "../../testing/certificates.ts";
import { dnsPorts } from "../../testing/script-dns.ts";
import { linesOf } from "../../testing/script-lines.ts";
import { FakeResolver } from "../../testing/fake-resolver.ts";
import { folderFiles } from "./files.ts";
import { configuredKeys } from "./keys.ts";
import { ScriptFigures } from "./metrics.ts";

const folder = mkdtempSync(join(tmpdir(), "script-ports-"));
const certificate = makeCertificate(folder, "localhost");
const { key, cert } = certificate.pem;
const secure = createSecure({ key, cert }, (_, response) => response.end("secret"));
const client = makeCertificate(folder, "client");
/** Talks only to whom the client's authority vouches for. */
const guarded = createSecure(
  { key, cert, ca: readFileSync(client.ca), requestCert: true, rejectUnauthorized: true },
  (_, response) => response.end("known"),
);
const echo = createPlain({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

before(async () => {
  for (const server of [secure, guarded, echo])
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve as () => void));
  writeFileSync(join(folder, "list.txt"), "one\ntwo\n");
  symlinkSync("/etc/hostname", join(folder, "leads-out"));
});

after(async () => {
  for (const server of [secure, guarded, echo]) server.close();
  rmSync(folder, { recursive: true });
});

/** What the script says, line by line. */
async function said(text: string): Promise<string[]> {
  const resolver = new FakeResolver({
    "example.com": {
      a: ["192.0.2.1"],
      mx: [
        [20, "b"],
        [10, "a"],
      ],
    },
  });
  const source = text
    .replaceAll("SECPORT", String(port(secure)))
    .replaceAll("GUARDED", String(port(guarded)))
    .replaceAll("ECHO", String(port(echo)))
    .replaceAll("CA", JSON.stringify(certificate.ca).slice(1, -1));
  return linesOf(source, {
    files: folderFiles(folder),
    keys: configuredKeys(() => [{ id: "client", key: client.key, cert: client.cert }]),
    ...dnsPorts({ resolver, servers: () => ["127.0.0.1:1"] }),
  });
}

test("sockets send, receive, peek, end and time out", async () => {
  assert.deepEqual(
    await said(`
      $s = Socket(Socket::AF("127.0.0.1"), "SOCK_STREAM");
      $s->settimeout(60);
      echo $s->send("x");
      echo isset($s->connect("127.0.0.1", ECHO));
      echo $s->send("hello");
      echo $s->recv(2, ["MSG_PEEK"]);
      echo $s->recv(2) . $s->recv(10);
      $s->settimeout(0.1);
      echo $s->recv(1);
      echo $s->errno();
      $s->settimeout(60);
      echo isset($s->shutdown("SHUT_WR"));
      echo "[" . $s->recv(10) . "]";
      echo is_object($s->close());
      echo Socket("AF_INET", "SOCK_STREAM")->connect("127.0.0.1", 1);
      echo isset(Socket("AF_INET", "SOCK_STREAM")->bind("127.0.0.1")->connect("127.0.0.1", ECHO));
    `),
    ["none", "true", "5", "he", "hello", "none", "110", "true", "[]", "true", "none", "true"],
  );
});

test("sockets wait for all of what is wanted, or for nothing", async () => {
  assert.deepEqual(
    await said(`
      $s = Socket("AF_INET", "SOCK_STREAM");
      $s->settimeout(60);
      $s->connect("127.0.0.1", ECHO);
      echo [$s->recv(5, "MSG_DONTWAIT"), $s->errno()];
      $s->send("hel");
      sleep(0.05);
      $s->send("lo, you");
      echo $s->recv(5, ["MSG_WAITALL"]);
      echo $s->recv(3, ["MSG_WAITALL", "MSG_PEEK"]) . "|" . $s->recv(4, "MSG_WAITALL");
      $s->send("end");
      $s->shutdown("SHUT_WR");
      echo $s->recv(100, ["MSG_WAITALL"]) . "|" . $s->recv(100, ["MSG_WAITALL"]) . "|" . $s->recv(1, "MSG_DONTWAIT");
      try { $s->recv(1, "MSG_OOB"); } catch ($e) { echo $e->message(); }
    `),
    ["[0=>none,1=>11]", "hello", ", y|, yo", "uend||", "recv() has no flag MSG_OOB"],
  );
});

test("TLS over a socket verifies what the script says of the server, and gives its certificate", async () => {
  assert.deepEqual(
    await said(`
      function talk($options) {
        $s = Socket("AF_INET", "SOCK_STREAM")->connect("127.0.0.1", SECPORT);
        $t = TLSSocket($s, $options);
        if (!$t->handshake()) return "refused " . ($t->errno() > 0);
        $t->send("GET / HTTP/1.0\\r\\n\\r\\n");
        $all = "";
        while ($more = $t->recv(100)) $all .= $more;
        $t->shutdown();
        return $t->getpeerx509()->subject()[0][1] . " " . $all[-6:] . " " . is_object($t->toSocket());
      }
      $ca = [File::read("localhost.ca.crt")];
      echo talk(["tls_ca" => $ca, "tls_sni" => "localhost", "tls_verify_name" => ["other.example", "localhost"]]);
      echo talk(["tls_ca" => $ca, "tls_verify_name" => ["other.example"]]);
      echo talk(["tls_verify_name" => "other.example"]);
      echo talk(["tls_verify_host" => true, "tls_sni" => "other.example"]);
      echo talk(["tls_verify_ca" => true, "tls_sni" => "localhost"]);
      echo talk(["tls_verify_peer" => true]);
      echo talk(["tls_ciphers" => "NONE"]);
      echo talk(["tls_protocols" => "TLSv1"]);
      try { talk(["tls_protocols" => "SSLv3"]); } catch ($e) { echo $e->message(); }
      echo talk([]);
    `),
    [
      "localhost secret true",
      ...Array<string>(7).fill("refused true"),
      "tls_protocols leaves no version that there is, such as TLSv1.2",
      "localhost secret true",
    ],
  );
});

test("TLS over a socket shows the server a certificate of the configuration", async () => {
  assert.deepEqual(
    await said(`
      function talk($options) {
        $t = TLSSocket(Socket("AF_INET", "SOCK_STREAM")->connect("127.0.0.1", GUARDED), $options);
        $t->handshake();
        $t->send("GET / HTTP/1.0\\r\\n\\r\\n");
        $all = "";
        while ($more = $t->recv(100)) $all .= $more;
        return $all == "" ? "refused" : $all[-5:];
      }
      echo talk([]);
      echo talk(["tls_client_cert" => "pki:client"]);
      echo talk(["tls_client_cert" => "client"]);
      $own = ["x509" => X509::String(File::read("client.crt"))->toResource(), "privatekey" => File::read("client.key")];
      echo talk(["tls_verify_cert" => $own]);
      echo talk(["tls_verify_cert" => $own, "tls_verify_ca" => true, "tls_default_ca" => true]);
      try { talk(["tls_client_cert" => "pki:nobody"]); } catch ($e) { echo $e->message(); }
    `),
    ["refused", "known", "known", "known", "refused", "there is no certificate nobody with its key"],
  );
});

test("DNS and SPF are asked of the engine's resolver", async () => {
  assert.deepEqual(
    await said(`
      echo dns_query("example.com");
      echo dns_query("example.com", ["type" => "mx"]);
      echo dns_query("nothing.example", ["type" => "txt"]);
      echo dns_query("example.com", ["type" => "soa"]);
      echo spf_query("192.0.2.1", "h", "a@example.com")["result"];
    `),
    [
      '["result"=>[0=>"192.0.2.1"],"dnssec"=>false]',
      '["result"=>[0=>"a",1=>"b"],"dnssec"=>false]',
      '["error"=>"NXDOMAIN","dnssec"=>false]',
      '["error"=>"TRY_AGAIN","dnssec"=>false]',
      "none",
    ],
  );
});

test("figures of scripts are shown in Prometheus's form, and are bounded", () => {
  const figures = new ScriptFigures();
  figures.change("seen", { kind: 'a"b' }, "increment", 2);
  figures.change("seen", {}, "set", 1);
  figures.change("level", {}, "decrement", 1);
  assert.equal(
    figures.text(),
    '# TYPE script_seen gauge\nscript_seen{kind="a\\"b"} 2\nscript_seen 1\n# TYPE script_level gauge\nscript_level -1\n',
  );
  for (let i = 0; i < 10_000; i += 1) figures.change("many", { i: String(i) }, "set", 1);
  assert.equal(figures.change("one-more", {}, "set", 1), false);
  assert.equal(figures.change("seen", {}, "set", 5), true);
});

test("files are those of the folder, and no link leads out of it", async () => {
  assert.deepEqual(
    await said(`
      $f = File("file://list.txt");
      echo $f->readline() . $f->readline();
      echo File::read("../etc/hostname");
      echo File::read("leads-out");
      echo File::read("/etc/hostname");
    `),
    ["onetwo", "none", "none", "none"],
  );
});
