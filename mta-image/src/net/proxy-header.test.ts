import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { readProxyHeader } from "./proxy-header.ts";

const v2 = (command: number, family: number, rest: Buffer, length = rest.length): Buffer => {
  const head = Buffer.from("0d0a0d0a000d0a515549540a00000000", "hex");
  head[12] = command;
  head[13] = family;
  head.writeUInt16BE(length, 14);
  return Buffer.concat([head, rest]);
};
const four = Buffer.from("c0000201" + "c6336401" + "9c40" + "0019", "hex");
const six = Buffer.from(`20010db8${"00".repeat(11)}01${"00".repeat(15)}01${"9c400019"}`, "hex");

const tlv = Buffer.from("0400020102", "hex");

const good = [
  {
    bytes: Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\n"),
    ip: "192.0.2.1",
    target: "198.51.100.1",
    tlvs: null,
  },
  {
    bytes: Buffer.from("PROXY TCP6 2001:db8::1 ::1 40000 25\r\n"),
    ip: "2001:db8::1",
    target: "::1",
    tlvs: null,
  },
  { bytes: v2(0x21, 0x11, four), ip: "192.0.2.1", target: "198.51.100.1", tlvs: null },
  { bytes: v2(0x21, 0x11, Buffer.concat([four, tlv])), ip: "192.0.2.1", target: "198.51.100.1", tlvs: tlv },
  { bytes: v2(0x21, 0x21, six), ip: "2001:db8::1", target: "::1", tlvs: null },
] as const;

test("a header is read whole and only whole, with what is behind it left alone", () => {
  for (const { bytes, ip, target, tlvs } of good) {
    for (let cut = 0; cut < bytes.length; cut++) assert.equal(readProxyHeader(bytes.subarray(0, cut)), null);
    const expected = {
      end: bytes.length,
      source: { ip, port: 40_000, tlvs },
      target: { ip: target, port: 25 },
    };
    assert.deepEqual(readProxyHeader(bytes), expected);
    assert.deepEqual(readProxyHeader(Buffer.concat([bytes, Buffer.from("EHLO a\r\n")])), expected);
  }
});

test("a connection that the proxy makes for itself has no other source", () => {
  assert.deepEqual(readProxyHeader(v2(0x20, 0, Buffer.alloc(0))), { end: 16, source: null, target: null });
});

test("what is no header is invalid, and is so before it ends", () => {
  const bad: Buffer[] = [
    Buffer.from("EHLO a\r\n"),
    Buffer.from("PROXY UNKNOWN\r\n"),
    Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.1 70000 25\r\n"),
    Buffer.from("PROXY TCP4 2001:db8::1 ::1 1 25\r\n"),
    Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.1 1 25\n\r\n"),
    Buffer.from("PROXY TCP4  192.0.2.1 198.51.100.1 1 25\r\n"),
    Buffer.from(`PROXY ${"x".repeat(101)}`),
    v2(0x31, 0x11, four),
    v2(0x22, 0x11, four),
    v2(0x21, 0x00, four),
    v2(0x21, 0x31, Buffer.alloc(216)),
    v2(0x21, 0x11, four.subarray(0, 8)),
    v2(0x21, 0x11, Buffer.concat([four, Buffer.from("04ffff01", "hex")])),
    v2(0x21, 0x11, Buffer.concat([four, Buffer.from("04", "hex")])),
    v2(0x21, 0x11, four, 65_535),
  ];
  for (const bytes of bad) assert.equal(readProxyHeader(bytes), "invalid", bytes.toString("latin1"));
});

test("any bytes are no header, the beginning of one, or one that ends within them, also cut", () => {
  const piece = fc.oneof(
    fc
      .constantFrom(
        "PROXY ",
        "TCP4 ",
        "TCP6 ",
        "UNKNOWN",
        "192.0.2.1 ",
        "::1 ",
        "40000 ",
        "25",
        "\r\n",
        "\r",
        " ",
      )
      .map((text) => Buffer.from(text)),
    fc.constantFrom(
      v2(0x21, 0x11, four),
      v2(0x20, 0, Buffer.alloc(0)),
      v2(0x21, 0x21, six, 0xffff),
      four,
      tlv,
    ),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const bytes = Buffer.concat(pieces);
      const whole = readProxyHeader(bytes);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const read = readProxyHeader(bytes.subarray(0, cut));
        if (read === null) continue;
        // Whatever is known of the beginning is not changed by what follows.
        assert.deepEqual(whole, read);
        if (read !== "invalid") assert.ok(read.end <= cut);
      }
    }),
  );
});
