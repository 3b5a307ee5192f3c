/** S/MIME with openssl(1) on the other side: what one makes the other opens. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";

import { tablePorts } from "../../../testing/script-ports.ts";
import { compile, run } from "../machine.ts";
import { loadFrom } from "../module.ts";
import { cmsType, openEnvelope, readSigned } from "./cms-data.ts";
import { libraryHost } from "./library.ts";
import { quietWorld } from "../../../testing/quiet-world.ts";

const folder = mkdtempSync(join(tmpdir(), "cms-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const openssl = (...args: string[]): string =>
  execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"], encoding: "latin1" });
for (const [name, kind] of [
  ["rsa", ["rsa:2048"]],
  ["ec", ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]],
] as const)
  openssl(
    "req",
    "-x509",
    "-newkey",
    ...kind,
    "-nodes",
    "-keyout",
    at(`${name}.key`),
    "-out",
    at(`${name}.crt`),
    "-subj",
    `/CN=${name}`,
  );
const names = ["rsa.key", "rsa.crt", "ec.key", "ec.crt"];
const files = loadFrom(new Map(names.map((name) => [name, readFileSync(at(name), "latin1")])));
const data = "line\r\nof \xe5 bytes\0\n";
writeFileSync(at("data"), data, "latin1");

const imports = `
  import $rsa from "rsa.crt" with ["resource" => true]; import $rsakey from "rsa.key" with ["resource" => true];
  import $ec from "ec.crt"; import $eckey from "ec.key";
  $me = ["x509" => $rsa[0], "privatekey" => $rsakey]; $other = ["x509" => $ec[0], "privatekey" => $eckey];
  $data = File::read("data");`;

async function said(script: string): Promise<string[]> {
  const lines: string[] = [];
  const { error } = await run(compile("test", imports + script, libraryHost, files), {
    world: {
      ...quietWorld(),
      echo: (line) => void lines.push(line),
      ports: {
        ...tablePorts,
        files: {
          open: (name) => {
            const bytes = readFileSync(at(name));
            return { size: bytes.length, read: (start, end) => bytes.subarray(start, end) };
          },
        },
        keys: {
          privateKey: (id) => (id === "mine" ? readFileSync(at("rsa.key"), "latin1") : null),
          certificate: () => readFileSync(at("rsa.crt"), "latin1"),
        },
      },
    },
  });
  assert.equal(error?.describe(), undefined);
  return lines;
}

const write = (name: string, base64: string | undefined): void =>
  writeFileSync(at(name), Buffer.from(base64 ?? "", "base64"));

test("openssl verifies what cms_sign and pkcs7_sign made, with RSA and elliptic curves", async () => {
  const [whole, apart, curve, older] = await said(`
    echo base64_encode(cms_sign($data, $me, ["detached" => false])["data"]);
    echo base64_encode(cms_sign($data, "mine", ["id" => true, "digest" => "sha512"])["data"]);
    echo base64_encode(cms_sign($data, $other)["data"]);
    echo base64_encode(pkcs7_sign($data, $me));
  `);
  for (const [name, made, who, isApart] of [
    ["whole", whole, "rsa", false],
    ["apart", apart, "rsa", true],
    ["curve", curve, "ec", true],
    ["older", older, "rsa", true],
  ] as const) {
    write(name, made);
    const content = isApart ? ["-content", at("data")] : [];
    const ask = ["cms", "-verify", "-binary", "-inform", "DER", "-in", at(name), "-CAfile", at(`${who}.crt`)];
    assert.equal(openssl(...ask, ...content), data, name);
  }
});

test("cms_verify takes what openssl signed, also in its streaming form, and refuses changes and strangers", async () => {
  for (const [name, options] of [
    ["der", ["-nodetach"]],
    ["stream", ["-nodetach", "-stream"]],
    ["apart", []],
    ["no-attributes", ["-nodetach", "-noattr"]],
  ] as const)
    openssl(
      "cms",
      "-sign",
      "-binary",
      "-in",
      at("data"),
      "-outform",
      "DER",
      "-signer",
      at("rsa.crt"),
      "-inkey",
      at("rsa.key"),
      "-out",
      at(name),
      ...options,
    );
  assert.deepEqual(
    await said(`
      $store = ["store" => [$rsa[0]]];
      foreach (["der", "stream", "no-attributes"] as $name) {
        $found = cms_verify(File::read($name), none, $store, ["data" => true]);
        echo $found["data"] == $data;
        echo X509($found["signers"][0])->subject()[0][1];
      }
      echo cms_verify(File::read("apart"), $data, $store)["result"];
      echo cms_verify(File::read("apart"), "$data.", $store)["error"];
      echo cms_verify(File::read("der"), none, ["store" => $ec])["error"];
      echo cms_verify("nothing", none, $store)["result"];
      echo cms_type(File::read("stream"));
    `),
    [
      ...["true", "rsa", "true", "rsa", "true", "rsa"],
      ...["true", "a signature does not fit", "the issuer is not known", "false", "pkcs7-signedData"],
    ],
  );
});

test("envelopes go both ways, and open for their recipient only", async () => {
  openssl(
    "cms",
    "-encrypt",
    "-binary",
    "-aes128",
    "-in",
    at("data"),
    "-outform",
    "DER",
    "-stream",
    "-out",
    at("sealed"),
    at("rsa.crt"),
  );
  openssl(
    "cms",
    "-encrypt",
    "-binary",
    "-in",
    at("data"),
    "-outform",
    "DER",
    "-out",
    at("oaep"),
    "-recip",
    at("rsa.crt"),
    "-keyopt",
    "rsa_padding_mode:oaep",
  );
  const [made, ...rest] = await said(`
    echo base64_encode(cms_encrypt($data, ["certs" => [$rsa[0]]])["data"]);
    echo cms_decrypt(File::read("sealed"), $me)["data"] == $data;
    echo cms_decrypt(File::read("oaep"), $me)["data"] == $data;
    echo cms_decrypt(File::read("sealed"), $other)["error"];
    echo cms_encrypt($data, ["certs" => $ec])["error"];
    echo cms_decrypt(cms_encrypt(cms_sign($data, $me, ["detached" => false])["data"], ["certs" => [$rsa[0]]])["data"], $me)["cms"];
    echo cms_type("x");
  `);
  write("ours", made);
  const ask = ["cms", "-decrypt", "-binary", "-inform", "DER", "-in", at("ours"), "-inkey", at("rsa.key")];
  assert.equal(openssl(...ask, "-recip", at("rsa.crt")), data);
  assert.deepEqual(rest, [
    "true",
    "true",
    "the envelope is not for this certificate",
    "a recipient's key is not RSA",
    "signed",
    "none",
  ]);
});

test("damaged CMS is an error, never a crash or a loop", () => {
  const whole = readFileSync(at("stream"));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (place, byte, length) => {
      const broken = Buffer.from(whole.subarray(0, Math.max(length, 1)));
      broken[place % broken.length] = byte;
      for (const read of [cmsType, readSigned, (bytes: Buffer) => openEnvelope(bytes, {} as never)])
        try {
          read(broken);
        } catch (error) {
          assert.ok(!(error instanceof RangeError && /stack/.test(error.message)));
        }
    }),
    { numRuns: 2000 },
  );
  assert.equal(cmsType(Buffer.concat([Buffer.from("3080".repeat(100_000), "hex")])), null);
});
