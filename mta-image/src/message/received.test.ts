import assert from "node:assert/strict";
import { test } from "node:test";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { someOrigin } from "../../testing/messages.ts";
import { domainOf } from "./envelope.ts";
import { ReceivedCounter, mailDate, makeReceived } from "./received.ts";

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
    const counter = new ReceivedCounter();
    for (const chunk of chunks) counter.push(chunk);
    assert.equal(counter.count, 2, `${chunks.length} chunks, the first of ${chunks[0]?.length}`);
  }
});

test("the domain of an address is what routing uses", () => {
  assert.equal(domainOf('"a@b"@Example.ORG'), "example.org");
  assert.equal(domainOf("u@MÜNCHEN.example"), "xn--mnchen-3ya.example");
  assert.equal(domainOf(""), "");
});
