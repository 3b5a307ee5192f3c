/** docs/spool-format.md against what is written: first lines, the tables of offsets, and each name in the JSON of records. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { crc32 } from "node:zlib";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { someOrigin } from "../../testing/messages.ts";
import type { Envelope, ScriptMarks } from "../message/envelope.ts";
import { Catalog } from "./catalog.ts";
import { type MessageMeta, SEGMENT_HEADER, encodeMessage, encodeSettled, encodeState } from "./record.ts";
import { SegmentBytes, endMark, reusedStart } from "./segment-bytes.ts";
import { writeSnapshot } from "./snapshot.ts";
import type { EntryState, Moved } from "./spool.ts";

const page = readFileSync(new URL("../../../docs/spool-format.md", import.meta.url), "utf8");

function section(heading: string): string {
  const [, text = ""] = page.split(`\n## ${heading}\n`);
  return text.split("\n## ")[0] ?? "";
}

/** Reads numbers out of bytes by what a table of offsets calls them. */
function reader(heading: string, bytes: Buffer): (what: string) => number {
  const rows = section(heading)
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return (what) => {
    const [, offset, size] = rows.find(([, , , cell]) => cell?.startsWith(what)) ?? [];
    return bytes.readUIntBE(Number(offset), Number(size));
  };
}

const marks: Required<ScriptMarks> = { transaction: "t", first: 0, hold: true, metadata: { own: "x" } };
const envelope: Required<Envelope> = {
  sender: "a@example.org",
  recipients: ["b@example.net"],
  smtpUtf8: true,
  eightBit: true,
  transportId: "out",
  jobId: "job",
  tenantId: "tenant",
  quotas: ["quota"],
  dsn: { ret: "FULL", envid: "e", recipients: [{ notify: ["NEVER"], orcpt: "rfc822;b" }] },
  holdUntil: 1,
  deliverBy: { at: 1, mode: "return", trace: true },
  priority: 3,
  requireTls: true,
  tlsOptional: true,
  marks,
};
const moved: Required<Moved> = { transportId: "o", jobId: "j", tenantId: "t", grouping: "&g" };
const state: Required<EntryState> = {
  status: "hold",
  attempts: 1,
  dueAt: 1,
  lastReply: "451",
  delayNotices: 1,
  metadata: { own: "x" },
  moved,
};
const content = Buffer.from("Subject: a\r\n\r\nb\r\n");
const meta: MessageMeta = {
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  receivedAt: 1,
  envelope,
  origin: someOrigin,
  sizeBytes: content.length,
  states: [state],
  inFile: false,
};

test("a segment begins as the page says, and a record has its parts where its table says", () => {
  const line = SEGMENT_HEADER.toString().trimEnd();
  assert.equal(SEGMENT_HEADER.toString(), `${line}\n`);
  assert.ok(section("A segment").includes(`${SEGMENT_HEADER.length} bytes: \`${line}\` and a line feed`));
  const bytes = Buffer.concat(encodeMessage(meta, [content]));
  const read = reader("A segment", bytes);
  assert.equal(read("the mark"), Buffer.from("MFR1").readUInt32BE());
  assert.equal(read("length of the payload"), bytes.length - 16);
  assert.equal(read("CRC-32"), crc32(bytes.subarray(12)));
  const behind = 16 + read("length of meta");
  assert.deepEqual(JSON.parse(bytes.toString("utf8", 16, behind)), meta);
  assert.deepEqual(bytes.subarray(behind), content);
  const types = [bytes, ...encodeState("", 0, state), ...encodeSettled("", 0)].map((one) =>
    reader("A segment", one)("type"),
  );
  assert.deepEqual(types, [1, 2, 3]);
});

test("a segment that is written over an older one has its parts where the page says", () => {
  const heading = "A segment that is written over an older one";
  const key = Buffer.from("8 bytes.");
  const record = Buffer.concat(encodeSettled("", 0));
  const bytes = Buffer.concat([reusedStart(key), key, record, endMark(key, 7)]);
  assert.ok(section(heading).includes(`\`${bytes.toString("latin1", 0, 32)}\` and a line feed`));
  const rows = [...section(heading).matchAll(/^\| (\d+) \| (\S+) \|/gm)];
  assert.deepEqual(
    rows.map(([, offset]) => Number(offset)),
    [0, 33, 41, 49],
  );
  for (const at of [33, 41, 49]) assert.deepEqual(bytes.subarray(at, at + 8), key);
  const found = new SegmentBytes(bytes, 7);
  assert.deepEqual([found.start, found.soundLength(49)], [49, 8 + record.length]);
  assert.equal(bytes.toString("latin1", 57 + record.length), "8 bytes.MFRE\0\0\0\x07");
  assert.equal(found.endOfTail(57 + record.length), 57 + record.length);
});

/** Of all objects within; what scripts name themselves is theirs. */
function namesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return Object.entries(value).flatMap(([name, one]) => [name, ...(name === "metadata" ? [] : namesIn(one))]);
}

test("the page names what the JSON of records holds, and nothing else", () => {
  const text = section("A segment").split("**Message** (1): ")[1] ?? "";
  const said = new Set([...text.matchAll(/`([A-Za-z0-9]+)`/g)].map(([, name]) => name));
  said.delete("null");
  const settled = { id: meta.id, recipient: 0 };
  const held = new Set(namesIn([meta, { ...settled, state }, settled]));
  assert.deepEqual([...said].toSorted(), [...held].toSorted());
});

test("a snapshot begins as the page says, and its frames are as the table says", async () => {
  const files = new FaultyFiles();
  await writeSnapshot(files, new Catalog(0), { segment: 7, damage: [[3, 2]] });
  const bytes = files.bytes("snapshot");
  const begin = bytes.indexOf("\n") + 1;
  assert.ok(section("A snapshot").includes(`\`${bytes.toString("utf8", 0, begin - 1)}\` and a line feed`));
  const kinds: number[] = [];
  for (let at = begin; at < bytes.length; ) {
    const read = reader("A snapshot", bytes.subarray(at));
    const end = at + 9 + read("length of the payload");
    assert.equal(read("CRC-32"), crc32(bytes.subarray(at + 8, end)));
    const kind = read("kind");
    if (kind !== 3) kinds.push(kind);
    if (kind === 1)
      assert.deepEqual(JSON.parse(bytes.toString("utf8", at + 9, end)), { segment: 7, damage: [[3, 2]] });
    at = end;
  }
  assert.deepEqual(kinds, [1, 2, 4]);
});
