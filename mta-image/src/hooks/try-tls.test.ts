import assert from "node:assert/strict";
import { test } from "node:test";

import { type Value, HslArray } from "../script/value.ts";
import { tlsChoice } from "./try-tls.ts";

const choice = (...options: readonly (readonly [string, Value])[]) => tlsChoice(HslArray.from(options));
const nothing = { serverName: null, verifyHost: null, defaultCa: null, versions: null };

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
