import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";

import { Extractor } from "./extract.ts";
import { findAddresses, findUrls, withoutEntities } from "./find.ts";
import { hashOf } from "./hash.ts";
import { builtInRules } from "./normalize-url.ts";

const limits = { urls: 100, addresses: 20, wallets: 20, files: 20 };

function extract(text: string, options: { pieceBytes?: number; limits?: typeof limits } = {}): Extractor {
  const extractor = new Extractor(options.limits ?? limits, builtInRules);
  const bytes = Buffer.from(text);
  const step = options.pieceBytes ?? 65_536;
  for (let at = 0; at < bytes.length; at += step) extractor.push(bytes.subarray(at, at + step));
  extractor.end();
  return extractor;
}

function summary(found: Extractor): Record<string, string[]> {
  const { hosts, ips, urls, addresses, wallets, files } = found;
  return Object.fromEntries(
    Object.entries({ hosts, ips, urls, addresses, wallets, files }).map(([name, set]) => [name, [...set]]),
  );
}

const base64 = (text: string): string =>
  Buffer.from(text)
    .toString("base64")
    .replace(/(.{76})/g, "$1\r\n");

const inner = [
  "From: Inner <inner@bad.example>",
  "Content-Type: text/html; charset=utf-8",
  "Content-Transfer-Encoding: base64",
  "",
  base64('<a href="https&#58;//www.hbltest.com/test?a=1&amp;b=2">x</a> http://[2001:db8::7]/y'),
  "",
].join("\r\n");

const message = [
  "From: A <a@phish.example>, b@abused.example",
  "Subject: see http://subject.example/xyz",
  "Content-Type: multipart/mixed; boundary=b",
  "",
  "--b",
  "Content-Type: text/plain; charset=iso-8859-1",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "Write to user+tag@hbltest.com, or see www.plain.example/=",
  "path/x. Pay 1BoatSLRHtKNngkdXEeobR76b53LETtpyT now (http://192.0.2.7/ip).",
  "--b",
  "Content-Type: application/octet-stream; name=virus.com",
  "Content-Transfer-Encoding: base64",
  "",
  base64("attached bytes"),
  "--b",
  "Content-Type: message/rfc822",
  "",
  inner,
  "--b--",
  "",
].join("\r\n");

const wanted = {
  hosts: ["subject.example", "www.plain.example", "www.hbltest.com"],
  ips: ["192.0.2.7", "2001:db8::7"],
  urls: [
    "subject.example/xyz",
    "192.0.2.7/ip",
    "www.plain.example/path/x",
    "www.hbltest.com/test",
    "2001:db8::7",
  ],
  addresses: ["a@phish.example", "b@abused.example", "user+tag@hbltest.com", "inner@bad.example"],
  wallets: ["1BoatSLRHtKNngkdXEeobR76b53LETtpyT"],
  files: [hashOf("attached bytes")],
};

const sorted = (found: Record<string, string[]>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(found).map(([name, list]) => [name, list.toSorted()]));

describe("extraction", () => {
  test("finds what is in header, text, attachment and a message inside", () => {
    const found = extract(message);
    assert.deepEqual(sorted(summary(found)), sorted(wanted));
    assert.equal(found.isCut, false);
  });

  test("finds the same in pieces of any size", () => {
    for (const pieceBytes of [1, 2, 3, 7, 64, 100, 333])
      assert.deepEqual(sorted(summary(extract(message, { pieceBytes }))), sorted(wanted), `${pieceBytes}`);
  });

  test("a message inside that is in base64 is read too, down to a depth", () => {
    let text = "\r\nhttp://deep.example/xyz";
    for (let i = 0; i < 3; i++)
      text = `Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(text)}`;
    assert.deepEqual([...extract(text).hosts], ["deep.example"]);
    for (let i = 0; i < 100; i++) text = `Content-Type: message/rfc822\r\n\r\n${text}`;
    assert.equal(extract(text).isCut, true);
  });

  test("UTF-16 text is read by its charset, an unknown charset as UTF-8", () => {
    const utf16 = Buffer.from("see http://wide.example/xyz now", "utf16le").toString("base64");
    const head = "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=";
    assert.deepEqual([...extract(`${head}utf-16le\r\n\r\n${utf16}`).hosts], ["wide.example"]);
    assert.deepEqual(
      [...extract("Content-Type: text/plain; charset=no-such\r\n\r\nhttp://a.example/").hosts],
      ["a.example"],
    );
  });

  test("thousands of URLs, addresses, wallets and files are bounded", () => {
    const few = { urls: 5, addresses: 4, wallets: 3, files: 2 };
    const lines = Array.from({ length: 5000 }, (_, i) => {
      const wallet = `1BoatSLRHtKNngkdXEeobR76b53L${"ABCDEFGHJK".charAt(i % 10)}${"ABCDEFGHJK".charAt((i / 10) % 10)}`;
      return `http://h${i}.example/path a${i}@h${i}.example ${wallet}\r\n`;
    });
    const found = extract(`\r\n${lines.join("")}`, { limits: few });
    const sizes = Object.entries(summary(found)).map(([name, list]) => `${name} ${list.length}`);
    assert.deepEqual(sizes, ["hosts 5", "ips 0", "urls 5", "addresses 4", "wallets 3", "files 0"]);
    assert.equal(found.isCut, true);
    const files = Array.from({ length: 50 }, (_, i) => `--b\r\nContent-Type: image/png\r\n\r\n${i}\r\n`).join(
      "",
    );
    const attached = extract(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${files}--b--\r\n`, {
      limits: few,
    });
    assert.equal(attached.files.size, 2);
    assert.equal(attached.isCut, true);
  });

  test("any bytes are read without a throw", () => {
    const word = fc.constantFrom(
      "http://",
      "@",
      "=",
      "&#",
      "\r\n",
      "--b",
      "www.",
      ";",
      "a.b",
      "\0",
      "ü",
      "%",
      "[",
      "://",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), fc.integer({ min: 1, max: 50 }), (words, pieceBytes) => {
        const head =
          "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n";
        extract(head + words.join(""), { pieceBytes });
      }),
    );
  });
});

describe("finding", () => {
  const urls = (text: string): string[] => {
    const found: string[] = [];
    findUrls(text, { left: 100 }, (url) => found.push(url));
    return found;
  };
  const addresses = (text: string): string[] => {
    const found: string[] = [];
    findAddresses(text, { left: 100 }, (address) => found.push(address));
    return found;
  };

  test("URLs end where the sentence goes on", () => {
    assert.deepEqual(urls('(HTTPS://a.example/x), "http://b.example/y?z=1#q"; ftp://c.example'), [
      "http://a.example/x",
      "http://b.example/y?z=1#q",
    ]);
    assert.deepEqual(urls("http://good.example/?u=http://bad.example/x"), [
      "http://good.example/?u=http://bad.example/x",
      "http://bad.example/x",
    ]);
  });

  test("addresses are grown from the @, within bounds", () => {
    assert.deepEqual(addresses("<a.b+c@x.example>, d@@e @f.example g@h i@j.k."), [
      "a.b+c@x.example",
      "i@j.k",
    ]);
    assert.deepEqual(addresses(`${"a".repeat(10_000)}@x.example`), []);
  });

  test("entities that hide a URL are undone, wrong ones harm nobody", () => {
    assert.equal(
      withoutEntities("h&#116;tp&colon;&sol;&#x2f;a&#9;&Tab;b&amp;c&#9999999;&unknown;"),
      "http://ab&amp;c&unknown;",
    );
  });
});
