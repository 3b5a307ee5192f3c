/** What http() posts: a text, a File, or a form. */
import { randomUUID } from "node:crypto";

import { toText } from "../convert.ts";
import { Pieces } from "../mail/pieces.ts";
import { HostObject, HslArray, type Value } from "../value.ts";
import { fileBytes } from "./file.ts";
import { option } from "./subjects.ts";

export interface Body {
  readonly bytes: Pieces;
  readonly type: string;
}

export function bodyOf(post: Value): Body | null {
  if (post === null) return null;
  if (post instanceof HslArray) return formOf(post);
  const file = post instanceof HostObject ? fileBytes(post) : undefined;
  if (file !== undefined) return { bytes: file, type: "application/octet-stream" };
  return { bytes: Pieces.of(toText(post)), type: "application/x-www-form-urlencoded" };
}

/** RFC 7578. A File, or an array of data, filename and type, is a file of the form. */
function formOf(fields: HslArray): Body {
  const boundary = randomUUID();
  const parts = [...fields.entries()].map(([name, value]) => {
    const more = value instanceof HslArray ? value : undefined;
    const data = more === undefined ? value : (more.get("data") ?? more.get("file"));
    const file = data instanceof HostObject ? fileBytes(data) : undefined;
    const fileName = option(more, "filename") ?? (file === undefined ? null : String(name));
    const type = option(more, "type");
    const head = [
      `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(String(name))}"`,
      fileName === null ? "" : `; filename="${quoted(toText(fileName))}"`,
      type === null ? "" : `\r\nContent-Type: ${oneLine(toText(type))}`,
      "\r\n\r\n",
    ];
    return Pieces.join([Pieces.of(head.join("")), file ?? Pieces.of(toText(data)), Pieces.of("\r\n")]);
  });
  const bytes = Pieces.join([...parts, Pieces.of(`--${boundary}--\r\n`)]);
  return { bytes, type: `multipart/form-data; boundary=${boundary}` };
}

function quoted(text: string): string {
  return text.replace(
    /["\r\n]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]+/g, " ");
}
