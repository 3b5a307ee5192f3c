/** The bytes of a queued message, read when somebody asks. Rejects when the spool no longer has them. */
import type { Content } from "../spool/spool.ts";

interface Source {
  readonly size: number;
  read(start: number, end: number): Promise<Buffer>;
  /** The file that it is, for whoever closes it; null: it is none. */
  open(): Promise<{ readonly fd: number; close(): Promise<void> } | null>;
}

export function messageSource(size: number, open: () => Promise<Content>): Source {
  let content: Promise<Content> | null = null;
  return {
    size,
    async open() {
      content ??= open();
      const found = await content;
      const file = found.kind === "memory" ? undefined : await found.open?.();
      if (file === undefined) return null;
      if (file.fd !== null) return { fd: file.fd, close: () => file.close() };
      await file.close();
      return null;
    },
    async read(start, end) {
      content ??= open();
      const found = await content;
      return found.kind === "memory" ? found.bytes.subarray(start, end) : readFile(found, start, end);
    },
  };
}

async function readFile(
  content: Extract<Content, { kind: "file" }>,
  start: number,
  end: number,
): Promise<Buffer> {
  const file = await content.open?.();
  if (file !== undefined) return file.read(start, end - start).finally(() => file.close());
  // Content that was made elsewhere comes in order only.
  const pieces: Buffer[] = [];
  let at = 0;
  for await (const chunk of content.chunks()) {
    pieces.push(chunk.subarray(Math.max(start - at, 0), Math.max(Math.min(end - at, chunk.length), 0)));
    at += chunk.length;
    if (at >= end) break;
  }
  return Buffer.concat(pieces);
}
