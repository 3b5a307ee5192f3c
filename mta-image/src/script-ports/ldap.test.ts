import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { freePort } from "../../../e2e/peers/free-port.ts";
import { makeCertificate } from "../../testing/certificates.ts";
import { linesOf } from "../../testing/script-lines.ts";
import { configuredDirectories } from "./directories.ts";
import { makeLdapPort } from "./ldap.ts";

const SLAPD = "/usr/sbin/slapd";
const skip = existsSync(SLAPD) ? false : "needs slapd";
const folder = mkdtempSync(join(tmpdir(), "script-ldap-"));
const certificate = makeCertificate(folder, "localhost");
let server: ChildProcess | null = null;
let port = 0;

const person = (uid: string, extra = ""): string =>
  `dn: uid=${uid},dc=example\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\nmail: ${uid}@example.com\nuserPassword: secret-${uid}\n${extra}\n`;

before(async () => {
  if (skip !== false) return;
  mkdirSync(join(folder, "db"));
  const conf = join(folder, "slapd.conf");
  const schemas = ["core", "cosine", "inetorgperson"].map(
    (name) => `include /etc/ldap/schema/${name}.schema`,
  );
  writeFileSync(
    conf,
    [
      ...schemas,
      "modulepath /usr/lib/ldap",
      "moduleload back_mdb",
      `TLSCertificateFile ${certificate.cert}`,
      `TLSCertificateKeyFile ${certificate.key}`,
      "database mdb",
      'suffix "dc=example"',
      'rootdn "cn=admin,dc=example"',
      "rootpw admin",
      `directory ${join(folder, "db")}`,
      "",
    ].join("\n"),
  );
  writeFileSync(
    join(folder, "data.ldif"),
    [
      "dn: dc=example\nobjectClass: domain\ndc: example\n",
      person(
        "ann",
        `description:: ${Buffer.from("Grüße").toString("base64")}\nmail: second@example.com\njpegPhoto:: /9j/4A==\n`,
      ),
      person("bob"),
      person("star*"),
    ].join("\n"),
  );
  const added = spawnSync("/usr/sbin/slapadd", ["-f", conf, "-l", join(folder, "data.ldif")]);
  assert.equal(added.status, 0, added.stderr.toString());
  port = await freePort();
  server = spawn(SLAPD, ["-f", conf, "-h", `ldap://127.0.0.1:${port}`, "-d", "0"], { stdio: "ignore" });
  while (!(await answers(port))) await wait(20);
});

after(() => {
  server?.kill();
  rmSync(folder, { recursive: true });
});

function answers(at: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(at, "127.0.0.1", () => done(true));
    socket.once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function said(text: string): Promise<string[]> {
  writeFileSync(join(folder, "password"), "admin\n");
  const directory = {
    id: "people",
    uri: `ldap://127.0.0.1:${port}`,
    starttls: false,
    binddn: "cn=admin,dc=example",
    passwordfile: join(folder, "password"),
    base: "dc=example",
    filter: "(uid=%s)",
    attributes: ["mail"],
    userdn: "",
    timeout: 60_000,
  };
  const source = text
    .replaceAll("LDAPURI", `ldap://127.0.0.1:${port}`)
    .replaceAll("CA", JSON.stringify(readFileSync(certificate.ca, "utf8")).slice(1, -1));
  return linesOf(source, { ldap: makeLdapPort(() => configuredDirectories([directory])) });
}

test("scripts bind to a directory, search it with filters and read values as bytes", { skip }, async () => {
  assert.deepEqual(
    await said(`
      $l = LDAP("LDAPURI");
      echo is_object($l->setoption("network_timeout", 60));
      echo $l->setoption("colour", 5);
      echo $l->bind("uid=ann,dc=example", "wrong");
      echo $l->errno() . " " . LDAP::err2string($l->errno());
      echo is_object($l->bind("uid=ann,dc=example", "secret-ann"));
      $r = $l->search("dc=example", ["filter" => "(uid=ann)", "attributes" => ["mail", "description", "jpegPhoto"]]);
      $e = $r->next();
      echo $e["dn"];
      echo array_sort(function ($a, $b) { return $a < $b; }, $e["mail"]);
      echo $e["description"][0];
      echo length($e["jpegPhoto"][0]);
      echo $r->next();
      $r = $l->search("dc=example", ["filter" => "(uid=" . LDAP::filter_escape("star*") . ")"]);
      echo $r->next()["dn"];
      echo $r->next();
      echo $l->search("dc=example", ["filter" => "(uid=ann"]);
      echo $l->errno();
      echo $l->search("dc=nowhere");
      echo $l->errno();
      $l->unbind();
    `),
    [
      "true",
      "none",
      "none",
      "49 Invalid credentials",
      "true",
      "uid=ann,dc=example",
      '[0=>"ann@example.com",1=>"second@example.com"]',
      Buffer.from("Grüße").toString("latin1"),
      "4",
      "false",
      "uid=star*,dc=example",
      "false",
      "none",
      "-7",
      "none",
      "32",
    ],
  );
});

test("a search in pages gives every entry", { skip }, async () => {
  assert.deepEqual(
    await said(`
      $l = LDAP("LDAPURI");
      $r = $l->search("dc=example", ["filter" => "(objectClass=inetOrgPerson)", "pagesize" => 1]);
      $n = [];
      while ($e = $r->next()) $n[] = $e["uid"][0];
      echo $n;
      echo length($l->search("dc=example", ["scope" => "base"])->next()["dc"]);
      echo $l->search("dc=example", ["scope" => "wide"]);
    `),
    ['[0=>"ann",1=>"bob",2=>"star*"]', "1", "none"],
  );
});

test("STARTTLS goes on only with a server that proves who it is", { skip }, async () => {
  assert.deepEqual(
    await said(`
      function talk($options) {
        $l = LDAP("LDAPURI");
        foreach ($options as $name => $value) $l->setoption($name, $value);
        if (!$l->starttls()) return "refused " . $l->errno();
        return $l->getpeerx509()->subject()[0][1] . " " . is_object($l->bind("uid=bob,dc=example", "secret-bob"));
      }
      echo talk([]);
      echo talk(["tls_ca" => "CA", "tls_verify_host" => false]);
      echo talk(["tls_verify_peer" => false]);
      echo LDAP("LDAPURI")->getpeerx509();
    `),
    ["refused -1", "localhost true", "localhost true", "none"],
  );
});

test("a directory that does not answer is an error, and the next one is asked", { skip }, async () => {
  assert.deepEqual(
    await said(`
      $l = LDAP("ldap://127.0.0.1:1");
      echo $l->bind() ?? LDAP::err2string($l->errno());
      echo length($l->getoption("diagnostic_message")) > 0;
      echo is_object(LDAP("ldap://127.0.0.1:1 LDAPURI")->bind());
    `),
    ["Can't contact LDAP server", "true", "true"],
  );
});

test("the older functions search and bind by profiles of the configuration", { skip }, async () => {
  assert.deepEqual(
    await said(`
      echo ldap_search("people", "bob");
      echo ldap_search("people", "*");
      echo ldap_search("people", "bob", ["attributes" => ["cn"]])[0]["cn"];
      echo ldap_search("people", ["bob", "*"], ["query" => "(&(uid=$1)(!(uid=$2)))", "attributes" => ["uid"]]);
      echo length(ldap_search("people", "uid=*", ["query" => "(%x)"])) > 1;
      echo ldap_search("people", "bob", ["username" => "uid=nobody,dc=example", "password" => "wrong"]);
      echo ldap_search("people", "bob", ["host" => "ldap://127.0.0.1:1"]);
      echo ldap_search("people", "bob", ["starttls" => true, "tls_default_ca" => false]);
      echo length(ldap_search("people", "bob", ["starttls" => true, "tls_default_ca" => false, "tls_verify_peer" => false]));
      echo ldap_search(["uri" => "ldap://127.0.0.1:1"], "bob");
      echo [ldap_bind("people", "bob", "secret-bob"), ldap_bind("people", "bob", "wrong"), ldap_bind("people", "bob", "")];
      echo [ldap_bind("people", "nobody", "x"), ldap_bind("people", "*", "secret-bob")];
      echo ldap_bind("people", "bob", "secret-bob", ["userdn" => "uid=%s,dc=example"]);
      echo ldap_bind("people", "bob", "secret-bob", ["uri" => "ldap://127.0.0.1:1"]);
      try { ldap_search("nobody", "x"); } catch ($e) { echo $e->message(); }
    `),
    [
      '[0=>["dn"=>"uid=bob,dc=example","mail"=>[0=>"bob@example.com"]]]',
      "[]",
      '[0=>"bob"]',
      '[0=>["dn"=>"uid=bob,dc=example","uid"=>[0=>"bob"]]]',
      "true",
      "-1",
      "-1",
      "-1",
      "1",
      "-1",
      "[0=>1,1=>0,2=>0]",
      "[0=>0,1=>0]",
      "1",
      "-1",
      "there is no LDAP profile nobody",
    ],
  );
});
