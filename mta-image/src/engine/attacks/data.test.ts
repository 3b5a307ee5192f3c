/**
 * Entries 57 to 79 of docs/hostile-input.md on one engine whose script takes every message apart: ends of data that are
 * none, headers and MIME that swell, content that stops. What is taken leaves byte for byte.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";

import { type Attack, AttackRig, assertReplies, raw, taken } from "../../../testing/attack-rig.ts";

/** Reads every part of every message, decoded. */
const takesApart = `
function read($part) {
  $names = $part->getHeaderNames();
  $inner = $part->getParts();
  if (length($inner) == 0) return length($part->getBody() ?? "") + length($part->getFileName() ?? "");
  $size = 0;
  foreach ($inner as $each) $size += read($each);
  return $size;
}
$mail = $arguments["mail"];
$subject = $mail->getHeader("Subject");
$authors = $mail->getHeaders("From");
foreach ($mail->getParts() as $part) read($part);
`;

let rig: AttackRig;
before(async () => {
  rig = await AttackRig.start({
    appServer: { phases: { data: { maxsize: "100MiB" }, eod: { hook: "apart" } } },
    app: { scripting: { hooks: { eod: [{ id: "apart", data: takesApart }] } } },
  });
});
after(() => rig.stop());
afterEach(() => rig.hangUp());

const smuggled =
  "MAIL FROM:<evil@example.org>\r\nRCPT TO:<ann@here.example>\r\nDATA\r\nSubject: smuggled\r\n";
const ends: readonly (readonly [entry: number, what: string, end: string])[] = [
  [57, "an end of two bare LF", "\n.\n"],
  [57, "an end of LF and CR", "\n.\r"],
  [58, "an end behind a bare LF", "\n.\r\n"],
  [59, "an end before a bare LF", "\r\n.\n"],
  [60, "an end of two bare CR", "\r.\r"],
  [60, "an end of CR and LF", "\r.\n"],
  [60, "an end behind a bare CR", "\r.\r\n"],
  [61, "an end before a bare CR", "\r\n.\r"],
  [62, "an end behind NUL", "\r\n\0.\r\n"],
  [63, "an end between doubled CR", "\r\r\n.\r\r\n"],
  [63, "an end before a doubled CR", "\r\n.\r\r\n"],
];
const smuggling = ends.map(([entry, what, end]) =>
  raw(entry, what, "data", `Subject: x\r\n\r\ntext${end}${smuggled}\r\n.\r\n`, "550 5.6.0"),
);

const part = (fields: string, body: string): string =>
  `Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n${fields}\r\n\r\n${body}\r\n--b--\r\n`;
const base64 = (bytes: Buffer): string => bytes.toString("base64").replace(/.{1,76}/g, "$&\r\n");
const zeros = Buffer.alloc(50_000_000);

/** An archive of one empty file (POSIX ustar). */
function tarOf(name: string): Buffer {
  const head = Buffer.alloc(512);
  head.write(name);
  head.write("0000644\x00", 0o144);
  head.write("00000000000", 0o174);
  head.fill(" ", 0o224, 0o234);
  head.write("ustar\x0000", 0o401);
  const sum = head.reduce((total, byte) => total + byte, 0);
  const digits = 6;
  head.write(`${sum.toString(8).padStart(digits, "0")}\0`, 0o224);
  return Buffer.concat([head, Buffer.alloc(1024)]);
}

const continuations = Array.from({ length: 10_000 }, (_, i) => `;\r\n name*${i}=a`).join("");
const deep = Array.from(
  { length: 10_000 },
  (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
).join("");
const entities = `<!DOCTYPE x [<!ENTITY a "aaaa">${Array.from({ length: 20 }, (_, i) => `<!ENTITY a${i} "&a;&a;&a;">`).join("")}]><x>&a19;</x>`;

/** Content that is taken as it is; its line ends are CRLF and no line begins with a dot. */
const whole: readonly (readonly [entry: number, what: string, content: string])[] = [
  [66, "a line of 9,000 characters", `Subject: x\r\n\r\n${"x".repeat(9000)}\r\n`],
  [66, "a line of a million characters", `Subject: x\r\n\r\n${"x".repeat(1_000_000)}\r\n`],
  [67, "an empty message", ""],
  [67, "no header at all", "just text\r\n"],
  [67, "a header without an empty line behind it", "Subject: x\r\nTo: y\r\n"],
  [68, "a header of 200 KB in one field", `X-Long: ${"a".repeat(200_000)}\r\n\r\ntext\r\n`],
  [68, "ten thousand header fields", `${"X: y\r\n".repeat(10_000)}\r\ntext\r\n`],
  [68, "a field without colon and of control bytes", "\x01\x02\x03\r\n\r\ntext\r\n"],
  [68, "fields named like what objects are born with", "__proto__: a\r\nconstructor: b\r\n\r\ntext\r\n"],
  [70, "a hundred Received fields", `${"Received: by a\r\n".repeat(100)}\r\n`],
  [70, "Received in the body does not count", `A: b\r\n\r\n${"Received: by a\r\n".repeat(200)}`],
  [71, "two From fields", "From: a@good.example\r\nFrom: b@evil.example\r\n\r\ntext\r\n"],
  [
    71,
    "a group, a space and a fold in From",
    "From : g: a@b.example;\r\nFr\r\n om: c@d.example\r\n\r\ntext\r\n",
  ],
  [72, "an encoded word of a megabyte", `Subject: =?utf-8?q?${"=41".repeat(333_000)}?=\r\n\r\ntext\r\n`],
  [72, "a parameter in ten thousand segments", part(`Content-Type: text/plain${continuations}`, "text")],
  [73, "MIME of depth 10,000", deep],
  [73, "MIME of 200,000 parts", part("X: y", "\r\n--b\r\n\r\nx".repeat(200_000))],
  [73, "a multipart without end", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"],
  [
    73,
    "a boundary of 200 characters",
    `Content-Type: multipart/mixed; boundary=${"b".repeat(200)}\r\n\r\n--${"b".repeat(200)}\r\n\r\nx\r\n`,
  ],
  [
    73,
    "a boundary that begins like another",
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\nx\r\n--b--\r\n",
  ],
  [
    75,
    "Base64 with garbage and ends within",
    part("Content-Transfer-Encoding: base64", "QQ==\r\n!!!\r\nQ\r\n=\r\nUUE"),
  ],
  [
    75,
    "Base64 in lines of one byte",
    part("Content-Transfer-Encoding: base64", [...Buffer.alloc(3000, "x").toString("base64")].join("\r\n")),
  ],
  [
    75,
    "quoted-printable that is none",
    part("Content-Transfer-Encoding: quoted-printable", "=ZZ=\r\n=4\r\n="),
  ],
  [
    75,
    "uuencode with a path that climbs",
    part("Content-Type: text/plain", "begin 644 ../../x\r\n#0V%T\r\n`\r\nend"),
  ],
  [
    76,
    "a gzip bomb of 50 MB",
    part("Content-Type: application/gzip\r\nContent-Transfer-Encoding: base64", base64(gzipSync(zeros))),
  ],
  [
    76,
    "a Brotli bomb of 50 MB",
    part("Content-Encoding: br\r\nContent-Transfer-Encoding: base64", base64(brotliCompressSync(zeros))),
  ],
  [
    76,
    "an archive whose names climb",
    part(
      'Content-Type: application/x-tar; name="../../x"\r\nContent-Transfer-Encoding: base64',
      base64(tarOf("../../x")),
    ),
  ],
  [77, "an entity bomb in XML", part("Content-Type: image/svg+xml", entities)],
];
const refused: Attack[] = [
  raw(
    70,
    "a hundred and one Received fields",
    "data",
    `${"Received: by a\r\n".repeat(101)}\r\n.\r\n`,
    "554 5.4.6",
  ),
];

for (const attack of [...smuggling, ...refused])
  test(`${attack.entry} ${attack.what}`, () => rig.run(attack));

for (const [entry, what, content] of whole) {
  test(`${entry} ${what}`, async () => {
    const before = rig.host.messages.length;
    await rig.run(taken(entry, what, `${content}.\r\n`));
    const came = rig.host.messages.slice(before);
    assert.ok(
      came.some((text) => text.endsWith(content)),
      "what came out is what went in",
    );
  });
}

test("64 the end of data cut at each of its bytes", async () => {
  const end = "\r\n.\r\n";
  for (let at = 1; at < end.length; at++) {
    const client = await rig.reach("data");
    client.socket.write(`Subject: x\r\n\r\ntext${end.slice(0, at)}`);
    await rig.pass(0);
    client.socket.write(end.slice(at));
    await assertReplies(client, ["250 2.0.0 Ok: queued as "]);
    client.socket.destroy();
    rig.took(1);
  }
  await rig.assertServes();
});

test("65 dots in front of lines are unstuffed once and stuffed again", async () => {
  const stuffed = "Subject: x\r\n\r\n..\r\n...a\r\n.a\r\n.. b\r\n";
  const before = rig.host.messages.length;
  await rig.run(taken(65, "dots in front of lines are unstuffed once and stuffed again", `${stuffed}.\r\n`));
  const again = "Subject: x\r\n\r\n..\r\n...a\r\na\r\n.. b\r\n";
  assert.ok(rig.host.messages.slice(before).some((text) => text.endsWith(again)));
});

test("79 content that stops after 64 MB is given up, and its file goes", async () => {
  const client = await rig.reach("data");
  const piece = Buffer.from(`${"x".repeat(998)}\r\n`.repeat(1000));
  for (let i = 0; i < 64; i++)
    if (!client.socket.write(piece)) await new Promise((resolve) => client.socket.once("drain", resolve));
  let isOver = false;
  const given = assertReplies(client, ["421 4.4.2", "<closed>"]).finally(() => {
    isOver = true;
  });
  // What the engine reads while minutes go by counts as content that goes on. No minute may be under way at the end:
  // it would pass in the delivery of the next mail, which then counts as too slow and waits.
  while (!isOver) await rig.pass(60_000);
  await given;
  client.socket.destroy();
  await rig.assertServes();
  assert.deepEqual(readdirSync(join(rig.engine.folder, "spool", "bodies")), []);
});
