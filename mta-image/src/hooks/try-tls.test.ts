import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { makeCertificate } from "../../testing/certificates.ts";
import { type Value, HslArray } from "../script/value.ts";
import { tlsChoice } from "./try-tls.ts";

const folder = mkdtempSync(join(tmpdir(), "try-tls-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const { pem } = makeCertificate(folder, "client.example.net");
const known = new Map([
  ["mine", pem],
  ["broken", { ...pem, key: "no key" }],
]);
const choice = (...options: readonly (readonly [string, Value])[]) =>
  tlsChoice(HslArray.from(options), (id) => known.get(id) ?? null);
const nothing = {
  serverName: null,
  verifyHost: null,
  defaultCa: null,
  versions: null,
  verifyNames: null,
  ciphers: null,
  certificate: null,
};

test("the options of public scripts are understood", () => {
  assert.deepEqual(
    choice(
      ["tls_sni", true],
      ["tls_verify_host", true],
      ["tls_default_ca", true],
      ["tls_protocols", "!SSLv2,!SSLv3,!TLSv1,!TLSv1.1"],
    ),
    { ...nothing, verifyHost: true, defaultCa: true, versions: { lowest: "TLSv1.2", highest: "TLSv1.3" } },
  );
  assert.equal(choice(), null);
  assert.equal(choice(["tls_sni", true]), null);
});

test("a name, none, and what is no name", () => {
  assert.deepEqual(choice(["tls_sni", "mx.example.net"]), { ...nothing, serverName: "mx.example.net" });
  assert.deepEqual(choice(["tls_sni", false]), { ...nothing, serverName: "" });
  for (const bad of ["a b", "", "-a", 1, HslArray.of([])])
    assert.equal(choice(["tls_sni", bad]), "tls_sni is no name");
});

test("versions are a span, old ones only when they are named", () => {
  const versions = (text: string): unknown => {
    const found = choice(["tls_protocols", text]);
    return typeof found === "object" ? found?.versions : found;
  };
  assert.deepEqual(versions("TLSv1.3"), { lowest: "TLSv1.3", highest: "TLSv1.3" });
  assert.deepEqual(versions("!SSLv2"), { lowest: "TLSv1.2", highest: "TLSv1.3" });
  assert.deepEqual(versions("TLSv1.0:TLSv1.1:TLSv1.2"), { lowest: "TLSv1", highest: "TLSv1.2" });
  for (const none of ["SSLv3", "!TLSv1.2 !TLSv1.3"])
    assert.match(String(versions(none)), /^tls_protocols leaves no version/);
});

test("what is not true or false is refused", () => {
  assert.equal(choice(["tls_verify_host", "no"]), "tls_verify_host is not true or false");
  assert.equal(choice(["tls_default_ca", 1]), "tls_default_ca is not true or false");
});

test("names of the certificate are a text or a list", () => {
  const names = ["mx.example.net", "*.example.net"];
  assert.equal(choice(["tls_verify_name", HslArray.of(names)]), "tls_verify_name is no list of names");
  assert.deepEqual(choice(["tls_verify_name", "mx.example.net"]), {
    ...nothing,
    verifyNames: ["mx.example.net"],
  });
  const both = ["mx.example.net", ".example.org"];
  assert.deepEqual(choice(["tls_verify_name", HslArray.of(both)]), { ...nothing, verifyNames: both });
  for (const bad of [HslArray.of([]), HslArray.of([true]), 1, ""])
    assert.equal(choice(["tls_verify_name", bad]), "tls_verify_name is no list of names");
});

test("ciphers are those of OpenSSL", () => {
  assert.deepEqual(choice(["tls_ciphers", "HIGH:!aNULL"]), { ...nothing, ciphers: "HIGH:!aNULL" });
  for (const bad of ["nonsense", 1])
    assert.equal(choice(["tls_ciphers", bad]), "tls_ciphers leaves no cipher that there is");
});

test("a certificate is one of the configuration, with or without pki:", () => {
  for (const name of ["mine", "pki:mine"])
    assert.deepEqual(choice(["tls_client_cert", name]), { ...nothing, certificate: pem });
  for (const bad of ["other", "broken", 1])
    assert.match(String(choice(["tls_client_cert", bad])), /^tls_client_cert is no certificate/);
});
