/** A spool with many messages of one recipient each, which were tried once and are due in an hour. */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

import { systemClock } from "#base/clock.ts";
import { makeId } from "#base/ids.ts";
import { SEGMENT_HEADER, encodeMessage } from "#mta/spool/record.ts";

const PER_SEGMENT = 50_000;
const content = Buffer.alloc(1024, "a line of text of some length\r\n");

/** Every message from a session of its own, of a hundred clients and a thousand domains. */
export function writeDeferredSpool(folder: string, messages: number): void {
  mkdirSync(join(folder, "segments"), { recursive: true });
  const later = systemClock.now() + 3_600_000;
  for (let first = 0; first < messages; first += PER_SEGMENT) {
    const name = `${String(first / PER_SEGMENT + 1).padStart(10, "0")}.log`;
    const file = openSync(join(folder, "segments", name), "w");
    writeSync(file, SEGMENT_HEADER);
    for (let n = first; n < Math.min(first + PER_SEGMENT, messages); n++) {
      const now = systemClock.now();
      const buffers = encodeMessage(
        {
          id: makeId(now),
          receivedAt: now,
          envelope: {
            sender: `bounce-${n}@news.example.org`,
            recipients: [`some.user.${n}@example${n % 1000}.net`],
            smtpUtf8: false,
            eightBit: true,
            transportId: "default",
          },
          origin: {
            kind: "smtp",
            serverId: "smtp",
            remoteIp: `192.0.2.${n % 100}`,
            remotePort: 1024 + (n % 60_000),
            helo: `client${n % 100}.example.org`,
            protocol: "ESMTPS",
            tls: "TLSv1.3 TLS_AES_256_GCM_SHA384",
            sessionId: makeId(now),
          },
          sizeBytes: content.length,
          states: [
            {
              status: "queued",
              attempts: 1,
              dueAt: later + n,
              lastReply: "451 4.7.1 Try again later",
              delayNotices: 0,
            },
          ],
          inFile: false,
        },
        [content],
      );
      for (const buffer of buffers) writeSync(file, buffer);
    }
    closeSync(file);
  }
}
