/**
 * Reads a message as it arrives and keeps of it what a report is made of: the machine-readable part (RFC 3464, RFC 5965)
 * and the start of the message that is returned. Everything else is passed over; what is kept is bounded. Never throws.
 */
import { type HeaderField, headerFields } from "../message/header-fields.ts";
import { type MimeHandler, MimeReader, type PartSink } from "../message/mime-reader.ts";
import { makeDecoder } from "../message/transfer-decoder.ts";

export type ReportKind = "delivery-status" | "feedback-report";

/** The machine-readable part as groups of fields, which blank lines separate; names in lower case. */
export type FieldGroup = ReadonlyMap<string, string>;

export interface ReadReport {
  readonly kind: ReportKind;
  readonly groups: readonly FieldGroup[];
  /** Of the message that it is about. */
  readonly returned: readonly HeaderField[];
}

const kinds: ReadonlyMap<string, ReportKind | "returned"> = new Map([
  ["message/delivery-status", "delivery-status"],
  ["message/global-delivery-status", "delivery-status"],
  ["message/feedback-report", "feedback-report"],
  ["message/rfc822", "returned"],
  ["message/global", "returned"],
  ["message/rfc822-headers", "returned"],
  ["message/global-headers", "returned"],
  ["text/rfc822-headers", "returned"],
]);
const MOST_BYTES = 65_536;
/** RFC 5321 4.5.3.1.8: one message has at most so many recipients at most hosts. */
const MOST_GROUPS = 1000;

export class ReportReader {
  readonly #kept = new Map<ReportKind | "returned", Buffer[]>();
  readonly #reader: MimeReader;

  constructor() {
    const handler: MimeHandler = {
      field: () => {},
      part: ({ type, encoding }) => {
        const kind = kinds.get(type);
        return kind === undefined || this.#kept.has(kind) ? null : this.#keep(kind, encoding);
      },
    };
    this.#reader = new MimeReader(handler);
  }

  push(piece: Buffer): void {
    this.#reader.push(piece);
  }

  /** Null for a message that is no report. */
  end(): ReadReport | null {
    this.#reader.end();
    const kind = (["feedback-report", "delivery-status"] as const).find((name) => this.#kept.has(name));
    if (kind === undefined) return null;
    return {
      kind,
      groups: groupsOf(Buffer.concat(this.#kept.get(kind) ?? [])),
      returned: headerFields(Buffer.concat(this.#kept.get("returned") ?? [])),
    };
  }

  #keep(kind: ReportKind | "returned", encoding: Parameters<typeof makeDecoder>[0]): PartSink {
    const decoder = makeDecoder(encoding);
    const pieces: Buffer[] = [];
    let left = MOST_BYTES;
    this.#kept.set(kind, pieces);
    const take = (piece: Buffer): void => {
      // A copy: the piece may be a slice of a large buffer.
      if (left > 0) pieces.push(Buffer.from(piece.subarray(0, left)));
      left -= piece.length;
    };
    return { write: (piece) => take(decoder.push(piece)), end: () => take(decoder.end()) };
  }
}

function groupsOf(bytes: Buffer): FieldGroup[] {
  const text = bytes.toString("utf8").replace(/\r\n?/g, "\n");
  return text
    .split(/\n[ \t]*\n/)
    .slice(0, MOST_GROUPS)
    .map((block) => {
      const group = new Map<string, string>();
      for (const { name, value } of headerFields(Buffer.from(block.trim().replaceAll("\n", "\r\n")))) {
        const key = name.toLowerCase();
        if (key !== "" && !group.has(key)) group.set(key, value.trim());
      }
      return group;
    })
    .filter((group) => group.size > 0);
}
