/**
 * Header fields as MIME wants them (RFC 2045, 2046, 2183), read from what hostile senders write (pure). Never throws;
 * what cannot be understood is read as the default, text/plain and 7bit.
 */

export interface PartHead {
  /** Lower case, such as "text/html". */
  readonly type: string;
  readonly charset: string;
  /** Null when the part is no multipart, or has none that could be used. */
  readonly boundary: string | null;
  readonly encoding: "identity" | "base64" | "quoted-printable";
  readonly isAttachment: boolean;
}

/** RFC 2046 5.1.1 allows 70; senders who use more are still read by mail programs. */
const LONGEST_BOUNDARY = 200;

export function partHead(fields: ReadonlyMap<string, string>): PartHead {
  const typeField = fields.get("content-type") ?? "text/plain";
  const disposition = fields.get("content-disposition") ?? "";
  const type = /^\s*([\w!#$&^.+-]+\/[\w!#$&^.+-]+)/.exec(typeField)?.[1]?.toLowerCase() ?? "text/plain";
  const boundary = type.startsWith("multipart/") ? parameter(typeField, "boundary") : null;
  const isUsable = boundary !== null && boundary !== "" && boundary.length <= LONGEST_BOUNDARY;
  return {
    type,
    charset: parameter(typeField, "charset")?.toLowerCase() ?? "utf-8",
    boundary: isUsable ? boundary : null,
    encoding: encodingOf(fields.get("content-transfer-encoding") ?? ""),
    isAttachment:
      /^\s*attachment\b/i.test(disposition) || hasName(disposition, "filename") || hasName(typeField, "name"),
  };
}

function encodingOf(field: string): PartHead["encoding"] {
  const word = /[\w-]+/.exec(field)?.[0]?.toLowerCase();
  return word === "base64" || word === "quoted-printable" ? word : "identity";
}

function hasName(field: string, name: string): boolean {
  return new RegExp(`;\\s*${name}\\*?(?:\\d+\\*?)?\\s*=`, "i").test(field);
}

/** The first value of a parameter; quotes and their escapes are taken off. */
function parameter(field: string, name: string): string | null {
  const match = new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]*))`, "i").exec(field);
  if (match === null) return null;
  return match[1]?.replace(/\\(.)/g, "$1") ?? match[2] ?? null;
}
