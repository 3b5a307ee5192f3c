import assert from "node:assert/strict";
import { test } from "node:test";

import { type Value, HslArray } from "../script/value.ts";
import { tryWish, wayKey, wishKey } from "./try-wish.ts";

const wish = (name: string, value: Value) =>
  tryWish(HslArray.from([[name, value]]), { hasTransport: () => true, certificate: () => null });

test("mx_include and mx_exclude are names, a text or a list, perhaps with a star", () => {
  const one = wish("mx_include", "*.Google.com");
  const many = wish("mx_exclude", HslArray.of(["mx1.example.com", "mx2*"]));
  assert.ok(typeof one === "object" && typeof many === "object");
  assert.deepEqual(one.exchangers, { include: ["*.google.com"], exclude: [] });
  assert.deepEqual(many.exchangers, { include: [], exclude: ["mx1.example.com", "mx2*"] });
  assert.notEqual(wishKey(one), wishKey(many));
});

test("what is no name of a mail exchanger is refused, and nothing said is no wish", () => {
  assert.equal(wish("mx_include", "a b"), "mx_include is no list of names");
  assert.equal(wish("mx_exclude", HslArray.of(["*.*"])), "mx_exclude is no list of names");
  assert.equal(wish("mx_exclude", HslArray.of([1])), "mx_exclude is no list of names");
  const none = wish("port", 25);
  assert.ok(typeof none === "object");
  assert.equal(none.exchangers, null);
});

test("host is a server by its name or address, and lookup-mx is no wish", () => {
  const servers = ["mx.example.net", "2001:db8::1", "lookup-mx"].map((host) => {
    const one = wish("host", host);
    return typeof one === "object" ? one.server : one;
  });
  assert.deepEqual(servers, ["mx.example.net", "[2001:db8::1]", null]);
  assert.equal(wish("host", 7), "server is no server");
});

test("addresses of others are another way, and only true is a word for them", () => {
  const [yes, no, odd] = [true, false, "yes"].map((value) => wish("nonlocal_source", value));
  assert.ok(typeof yes === "object" && typeof no === "object" && typeof odd === "object");
  assert.deepEqual([yes.isNonlocal, no.isNonlocal, odd.isNonlocal], [true, false, false]);
  assert.notEqual(wayKey(yes), wayKey(no));
});

test("another sender is another wish by the same way, another server is not", () => {
  const wishes = [
    wish("sender", "a@example.org"),
    wish("sender", "b@example.org"),
    wish("server", "mx.example.net"),
  ];
  assert.ok(wishes.every((one) => typeof one === "object"));
  assert.equal(new Set(wishes.map(wishKey)).size, 3);
  assert.equal(new Set(wishes.map(wayKey)).size, 2);
});

test("sender and recipient are addresses, and only a sender may be empty", () => {
  const array = HslArray.from([
    ["localpart", "eve"],
    ["domain", "example.net"],
  ]);
  const [text, list, none] = [wish("sender", "a@example.org"), wish("recipient", array), wish("sender", "")];
  assert.ok(typeof text === "object" && typeof list === "object" && typeof none === "object");
  assert.deepEqual([text.envelope.sender, text.envelope.recipient], ["a@example.org", null]);
  assert.equal(list.envelope.recipient, "eve@example.net");
  assert.equal(none.envelope.sender, "");
  for (const bad of ["", "a b", 1]) assert.equal(wish("recipient", bad), "recipient is no address");
  assert.equal(wish("sender", "<a@example.org>"), "sender is no address");
  assert.equal(wish("jobid", 1), "jobid is no text");
});

test("params of addresses are words of SMTP, or the wish is refused", () => {
  const said = (params: Value): ReturnType<typeof wish> =>
    wish(
      "sender",
      HslArray.from([
        ["localpart", "eve"],
        ["domain", "example.net"],
        ["params", params],
      ]),
    );
  const fine = said(
    HslArray.from([
      ["envid", "x1"],
      ["XNEW", null],
      ["MT-PRIORITY", 3],
    ]),
  );
  assert.ok(typeof fine === "object");
  assert.deepEqual(fine.envelope.senderParameters, { ENVID: "x1", XNEW: "", "MT-PRIORITY": "3" });
  const many = HslArray.from(Array.from({ length: 21 }, (_, at): [string, Value] => [`X${at}`, 1]));
  const bad: readonly Value[] = [
    "ENVID=x1",
    HslArray.from([["ENVID", "x 1"]]),
    HslArray.from([["ENVID", "x\r\nRSET"]]),
    HslArray.from([["EN VID", "x"]]),
    HslArray.from([["ENVID", HslArray.of([])]]),
    HslArray.from([["ENVID", "x".repeat(501)]]),
    many,
  ];
  for (const params of bad) assert.equal(said(params), "params of sender are none of an address");
});
