import assert from "node:assert/strict";
import { test } from "node:test";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { someOrigin } from "../../testing/messages.ts";
import { domainOf, withAsciiDomain } from "./envelope.ts";
import { WayFields, mailDate, makeReceived } from "./received.ts";

test("the trace field names both sides, the protocol and the time", () => {
  const origin = { ...someOrigin, remoteIp: "2001:db8::1", protocol: "ESMTPS", tls: "TLSv1.3 X" };
  const field = makeReceived({
    id: "ID",
    hostname: "mx.example.org",
    origin,
    at: Date.UTC(2026, 10, 23, 20, 19, 35),
  });
  assert.equal(
    field.toString(),
    "Received: from client.example.org ([IPv6:2001:db8::1])\r\n\t(TLSv1.3 X)\r\n\tby mx.example.org (Mailfleet) with ESMTPS id ID;\r\n\tMon, 23 Nov 2026 20:19:35 +0000\r\n",
  );
  assert.equal(mailDate(0), "Thu, 1 Jan 1970 00:00:00 +0000");
});

test("Received fields of the header are counted however the bytes are cut, those of the body are not", () => {
  const text =
    "Received: a\r\n\tfolded\r\nX-Received: no\r\nRECEIVED : b\r\nSubject: c\r\n\r\nReceived: body\r\n";
  for (const chunks of byteCuts(Buffer.from(text))) {
    const fields = new WayFields();
    for (const chunk of chunks) fields.push(chunk);
    assert.equal(fields.received, 2, `${chunks.length} chunks, the first of ${chunks[0]?.length}`);
  }
});

test("TLS-Required is seen however the bytes are cut, in the header only and only as No", () => {
  const said = (text: string, chunks: Iterable<Buffer> = [Buffer.from(text)]): boolean => {
    const fields = new WayFields();
    for (const chunk of chunks) fields.push(chunk);
    return fields.isTlsOptional;
  };
  const text = "Subject: a\r\nTLS-Required: No\r\nTo: b\r\n\r\nbody\r\n";
  for (const chunks of byteCuts(Buffer.from(text))) assert.ok(said(text, chunks), `${chunks[0]?.length}`);
  assert.ok(said("tls-required :\tno \r\n\r\n"));
  for (const other of ["TLS-Required: Yes\r\n\r\n", "X-TLS-Required: No\r\n\r\n", "\r\nTLS-Required: No\r\n"])
    assert.ok(!said(other), other);
});

test("only the domain of an address is written in ASCII, and only where it is not", () => {
  for (const [address, written] of [
    ["Ann@Example.ORG", "Ann@Example.ORG"],
    ["ann@bücher.example", "ann@xn--bcher-kva.example"],
    ["jörg@bücher.example", "jörg@xn--bcher-kva.example"],
    ["jörg", "jörg"],
    ["", ""],
  ] as const)
    assert.equal(withAsciiDomain(address), written);
});

test("the domain of an address is what routing uses", () => {
  assert.equal(domainOf('"a@b"@Example.ORG'), "example.org");
  assert.equal(domainOf("u@MÜNCHEN.example"), "xn--mnchen-3ya.example");
  assert.equal(domainOf(""), "");
});
