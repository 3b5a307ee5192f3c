import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { base32, hashOf, oldHashOf } from "./hash.ts";
import { addressLabel, domainLabel, isKey, queryName } from "./names.ts";
import { emailForms } from "./normalize-email.ts";
import { builtInRules, parseUrl, urlForm } from "./normalize-url.ts";
import { findWallets } from "./wallets.ts";

const EICAR = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE", "!$H+H*"].join("");

function urlHash(url: string): string {
  const parsed = parseUrl(url);
  assert.ok(parsed !== null);
  return hashOf(urlForm(parsed, builtInRules));
}

describe("the published vectors", () => {
  const vectors: readonly (readonly [text: string, base32: string, sha1: string])[] = [
    [
      "user@hbltest.com",
      "F3PDGTMWU6LFIGDJC67YNIWRY5ZRM7ERLETNFO36QAEQPMBPW2DA",
      "ebcb8a93f4d4c80a83f7fc886fd2de97f0de4814",
    ],
    [
      "www.hbltest.com/test",
      "JRBRNOUNTQWKLOKRDDX5DC65YHFFJ4ZLJ5EXP7D6TWHJTDR23PSA",
      "1944927f9a3e6ca8a6367aea29eee9087d449a64",
    ],
    [
      "withqm.hbltest.com/openurl?lid=test",
      "EORVXYR6YPU2B54QOCEK4SS6XN3YXMHDQCFGHAEN4ZPMZ5QUSCVA",
      "ce0962bd61a6534ce83054c233d8c1b759f20777",
    ],
    [
      "catchall.hbltest.com/testdir1/testdir2/test",
      "Z3GPTQBSXPBLM7BMWMULIJAFD5BAKYW4AX5TYSB5XHTCL5X4NBGA",
      "68a3efb846587649de4ac89ca48c3d1e3b98e99b",
    ],
    [
      EICAR,
      "E5NAEG57WZEJ4VGUOGEZ67NZ2FTD7RUV5QX6FIWEKOFKX5SR7UHQ",
      "3395856ce81f2b7382dee72602f798b642f14140",
    ],
    ["", "4OYMIQUY7QOBJGX36TEJS35ZEQT24QPEMSNZGTFESWMRW6CSXBKQ", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  ];
  for (const [text, wanted, old] of vectors) {
    test(`hash of "${text.slice(0, 24)}"`, () => {
      assert.equal(hashOf(text), wanted);
      assert.equal(oldHashOf(text), old);
    });
  }

  test("URLs as they stand in mail come to the same hashes", () => {
    assert.equal(urlHash("https://www.hbltest.com/test"), vectors[1]?.[1]);
    assert.equal(urlHash("http://user:pw@WWW.HBLtest.com/test?x=1#y"), vectors[1]?.[1]);
    assert.equal(urlHash("https://withqm.hbltest.com/openurl?lid=test"), vectors[2]?.[1]);
    assert.equal(urlHash("catchall.hbltest.com/testdir1/testdir2/test"), vectors[3]?.[1]);
  });

  test("base32 is that of RFC 4648 without padding", () => {
    const pairs = { "": "", f: "MY", fo: "MZXQ", foo: "MZXW6", foob: "MZXW6YQ", fooba: "MZXW6YTB" };
    for (const [text, wanted] of Object.entries(pairs)) assert.equal(base32(Buffer.from(text)), wanted);
  });
});

describe("URLs", () => {
  const forms: Readonly<Record<string, string>> = {
    "HTTP://Example.COM:8080/A": "example.com:8080",
    "HTTP://Example.COM:8080/Ab": "example.com:8080/Ab",
    "https://is.gd/abc/def!x": "is.gd/abc",
    "https://bit.ly/x1/y2?query=1": "bit.ly/x1/y2",
    "https://a.example/%41b%zz": "a.example/%41b",
    "https://ex%61mple.com/xy": "example.com/xy",
    "https://bücher.example/xy": "xn--bcher-kva.example/xy",
    "https://EXAMPLE.com./xy": "example.com/xy",
    "//example.com/xy": "example.com/xy",
    "https://good.example@bad.example/xy": "bad.example/xy",
    "https:\\\\bad.example\\xy": "bad.example",
    "https://[2001:db8::1]:81/xy": "2001:db8::1:81/xy",
  };
  for (const [url, wanted] of Object.entries(forms)) {
    test(`${url} is hashed as ${wanted}`, () => {
      const parsed = parseUrl(url);
      assert.ok(parsed !== null);
      assert.equal(urlForm(parsed, builtInRules), wanted);
    });
  }

  for (const url of ["https://", "https://localhost/x", "https://a..b/x", "https://2130706433/", "x"]) {
    test(`${url} names nothing that could be asked about`, () => assert.equal(parseUrl(url), null));
  }

  test("an address as host is told from a domain, also inside IPv6", () => {
    assert.deepEqual(parseUrl("http://192.0.2.7/x"), {
      host: "192.0.2.7",
      isAddress: true,
      port: "",
      rest: "/x",
    });
    assert.equal(parseUrl("http://[::ffff:192.0.2.7]/x")?.host, "192.0.2.7");
  });
});

describe("addresses of mail", () => {
  const forms: Readonly<Record<string, readonly string[]>> = {
    "User@HBLtest.com": ["user@hbltest.com"],
    "user+tag@hbltest.com": ["user@hbltest.com", "user+tag@hbltest.com"],
    "F.Oo+x@GoogleMail.com": ["foo@gmail.com", "f.oo+x@googlemail.com"],
    "f.oo@example.org": ["f.oo@example.org"],
    "+x@example.org": ["+x@example.org"],
    "x@bücher.example": ["x@xn--bcher-kva.example"],
    "x@[192.0.2.1]": [],
    "@example.org": [],
    "no address": [],
    "": [],
  };
  for (const [address, wanted] of Object.entries(forms)) {
    test(`"${address}" is asked as ${wanted.join(" and ") || "nothing"}`, () =>
      assert.deepEqual(emailForms(address), wanted));
  }
});

describe("wallets", () => {
  const found = (text: string): string[] => {
    const wallets: string[] = [];
    findWallets(text, (wallet) => wallets.push(wallet));
    return wallets;
  };
  const btc = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT";
  const eth = "0xDE0B295669a9FD93d5F28D9Ec85E40f4cb697BAe";
  const cash = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a";

  test("each currency is known by its shape, case kept but for Ethereum", () => {
    const xmr = `4${"A".repeat(94)}`;
    const xrp = `r${"p".repeat(30)}`;
    assert.deepEqual(found(`pay ${btc}, ${eth} or (${cash}) ${xmr};${xrp}`), [
      btc,
      eth.toLowerCase(),
      cash,
      xmr,
      xrp,
    ]);
  });

  test("a run inside a longer word, or in encoded data, is none", () => {
    assert.deepEqual(found(`x${btc} _${btc} ${"1A".repeat(5000)}`), []);
  });
});

describe("names", () => {
  test("an address is asked backwards, IPv4 in IPv6 as IPv4", () => {
    assert.equal(addressLabel("203.0.113.79"), "79.113.0.203");
    assert.equal(addressLabel("::ffff:203.0.113.79"), "79.113.0.203");
    assert.equal(addressLabel("::FFFF:cb00:714f"), "79.113.0.203");
    assert.equal(
      addressLabel("2001:db8:1::45"),
      "5.4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2",
    );
  });

  for (const ip of [
    "10.1.2.3",
    "127.0.0.1",
    "::1",
    "fe80::1%eth0",
    "100.64.0.1",
    "::ffff:10.0.0.1",
    "x",
    "",
  ]) {
    test(`"${ip}" is not asked`, () => assert.equal(addressLabel(ip), null));
  }

  test("a domain is asked in lower case and A-labels", () => {
    assert.equal(domainLabel("Mail.Example.ORG."), "mail.example.org");
    assert.equal(domainLabel("BÜCHER.example"), "xn--bcher-kva.example");
    // Full-width dots and letters are what the same name looks like.
    assert.equal(domainLabel("ｅｘａｍｐｌｅ。com"), "example.com");
  });

  for (const text of [
    "192.0.2.1",
    "[192.0.2.1]",
    "0x7f.1",
    "com",
    "a b.com",
    "a..com",
    "-",
    `${"a".repeat(64)}.com`,
  ]) {
    test(`"${text.slice(0, 20)}" is no domain`, () => assert.equal(domainLabel(text), null));
  }

  test("a key is one label, and a name beyond 253 characters is not asked", () => {
    assert.ok(isKey("abcdefghijklmnopqrstuvwxyz"));
    for (const bad of ["", "short", "abcdefgh.example", "abcdefgh-1", "ABCDEFGH", "abcdefgh\n"])
      assert.ok(!isKey(bad));
    const name = { label: `${"a".repeat(60)}.`.repeat(4), key: "abcdefgh", list: "dbl", zone: "dq.example" };
    assert.equal(queryName(name), null);
  });
});
