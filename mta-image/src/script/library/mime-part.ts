/**
 * The class MIMEPart, and its methods for MailMessage, which is the top part of a message. A method waits only where
 * the message is in a file that has not been read yet.
 */
import { randomUUID } from "node:crypto";

import { toText } from "../convert.ts";
import {
  type Arguments,
  type HostClass,
  type HostFunction,
  type Parameter,
  declare,
  makeClass,
  optional,
  parameter,
} from "../host.ts";
import { adopted } from "../mail/build.ts";
import { firstValue, insert, makeField, putBody, putField, remove, replace, wrap } from "../mail/edit.ts";
import { PartHandle, partById } from "../mail/message.ts";
import { type Part, headOf } from "../mail/part.ts";
import { Pieces, after } from "../mail/pieces.ts";
import { parameterOf } from "../mail/words.ts";
import { makeDecoder } from "#mta/message/transfer-decoder.ts";
import { MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";
import { patternOf } from "../regex.ts";
import { HostObject, type HslArray, type Value } from "../value.ts";
import { wholeText } from "./file.ts";
import { mailDate } from "./mail-date.ts";
import { headerMethods } from "./mime-headers.ts";
import { mimeParameter } from "./mime.ts";
import { flag, list, option } from "./subjects.ts";

const { string, array } = parameter;
const options = optional(array("options"));

/** The object is what several methods give back. */
const self = parameter.object("self", "MIMEPart", (object) =>
  object.state instanceof PartHandle ? { object, handle: object.state } : undefined,
);

export function partMethod<const P extends readonly Parameter<unknown>[]>(
  name: string,
  parameters: P,
  about: { readonly returns: string; readonly docs: string },
  run: (part: Part, args: Arguments<P>, object: HostObject, handle: PartHandle) => Value | Promise<Value>,
): HostFunction {
  return declare({
    name,
    parameters: [self, ...parameters],
    ...about,
    way: "promise",
    run: (_, one, ...args) => {
      const { object, handle } = one as { object: HostObject; handle: PartHandle };
      return after(handle.find(), (part) => {
        // Nearly every method looks at all fields or parts.
        meter.charge(part.fields.length + part.children.length);
        return run(part, args as unknown as Arguments<P>, object, handle);
      }) as Value;
    },
  });
}

export function handleOf(part: Part, { message }: PartHandle): Value {
  return new HostObject(mimePartClass, new PartHandle(message, part));
}

/** A text in any case anywhere, or a Regex as it is. */
const like = (name: string) =>
  parameter.of(name, "Regex or string", (value) => patternOf(value, typeof value === "string" ? "i" : ""));

function body(part: Part, given: HslArray | undefined): Value | Promise<Value> {
  const encoding =
    part.content.kind === "leaf" && flag(given, "decode", true) ? headOf(part.fields).encoding : "identity";
  const bytes = part.body();
  if (encoding === "identity") return wholeText(bytes);
  if (bytes.size > MAX_STRING) return null;
  meter.allocate(bytes.size);
  const decoder = makeDecoder(encoding);
  const decoded: Buffer[] = [];
  return after(
    bytes.each((chunk) => void decoded.push(decoder.push(chunk))),
    () => Buffer.concat([...decoded, decoder.end()]).toString("latin1"),
  );
}

function fileName(part: Part): string | null {
  const named = firstValue(part, "content-disposition");
  const typed = firstValue(part, "content-type");
  return (
    (named === null ? null : parameterOf(named, "filename")) ??
    (typed === null ? null : parameterOf(typed, "name"))
  );
}

function place(part: Part, child: Part, given: HslArray | undefined, isFirst: boolean): void {
  const type = option(given, "type");
  if (type !== null || part.content.kind === "leaf")
    wrap(part, type === null ? "multipart/mixed" : toText(type).replace(/[\r\n]/g, ""), randomUUID());
  insert(part, child, isFirst);
}

function setEdge(part: Part, edge: "preamble" | "epilogue", text: string): boolean {
  if (part.content.kind !== "multipart") return false;
  const lines = text.replace(/\r?\n/g, "\r\n");
  part.content[edge] = Pieces.of(lines);
  const [first] = part.content.children;
  if (edge === "preamble" && first !== undefined)
    first.lead = `${lines === "" ? "" : "\r\n"}--${part.content.boundary}\r\n`;
  if (edge === "epilogue" && !part.content.close.endsWith("\n")) part.content.close += "\r\n";
  return true;
}

const edges = (["preamble", "epilogue"] as const).flatMap((edge) => {
  const title = edge === "preamble" ? "Preamble" : "Epilogue";
  const where = edge === "preamble" ? "before the first" : "after the last";
  return [
    partMethod(
      `get${title}`,
      [],
      { returns: "string or none", docs: `What stands ${where} part; none when this is no multipart.` },
      ({ content }) => (content.kind === "multipart" ? wholeText(content[edge]) : null),
    ),
    partMethod(
      `set${title}`,
      [string("data")],
      { returns: "MIMEPart or none", docs: `Replaces what stands ${where} part.` },
      (part, [text], object) => (setEdge(part, edge, text) ? object : null),
    ),
  ];
});

const finding = (["Type", "FileName"] as const).map((what) =>
  partMethod(
    `findBy${what}`,
    [like(what === "Type" ? "type" : "filename")],
    {
      returns: "array of MIMEPart objects",
      docs: `This part and those within it whose ${what === "Type" ? "type" : "file name"} matches; a text in any case and anywhere.`,
    },
    (part, [pattern], _, handle) =>
      list(
        [...part.walk()]
          .filter((one) => {
            const text = what === "Type" ? typeOf(one) : fileName(one);
            return text !== null && pattern.match(text) !== null;
          })
          .map((one) => handleOf(one, handle)),
      ),
  ),
);

function typeOf(part: Part): string | null {
  return firstValue(part, "content-type") === null ? null : headOf(part.fields).type;
}

const placing = (["prepend", "append"] as const).map((how) =>
  partMethod(
    `${how}Part`,
    [mimeParameter, options],
    {
      returns: "MIMEPart or none",
      docs: `Adds a part ${how === "prepend" ? "before" : "after"} the others. What is no multipart becomes the first of one; with option \`type\`, such as multipart/signed, a multipart does too.`,
    },
    (part, [from, given], object) =>
      after(adopted(from), (child): Value => {
        place(part, child, given, how === "prepend");
        return object;
      }),
  ),
);

export const partMethods: readonly HostFunction[] = [
  ...headerMethods(partMethod),
  declare({
    name: "setDateLater",
    parameters: [self],
    returns: "number",
    docs: "Sets the Date field to now; says how many fields were replaced.",
    way: "promise",
    run: ({ clock }, { handle }) =>
      after(handle.find(), (part) =>
        putField(part, makeField("Date", mailDate(clock.now() / 1000), false)),
      ) as Value,
  }),
  partMethod(
    "getID",
    [],
    { returns: "string", docs: 'Its number: "1" is the message, "1.2" the second part of it.' },
    ({ id }) => id,
  ),
  partMethod(
    "getByID",
    [string("id")],
    { returns: "MIMEPart or none", docs: "The part of that number within the message." },
    (_, [id], __, handle) =>
      after(handle.message.tree(), (tree) => {
        const found = partById(tree, id);
        return found === null ? null : handleOf(found, handle);
      }),
  ),
  partMethod(
    "getSize",
    [],
    { returns: "number", docs: "Bytes, header included." },
    (part) => part.all().size,
  ),
  partMethod(
    "getFileName",
    [],
    { returns: "string or none", docs: "The file name of Content-Disposition or Content-Type, decoded." },
    fileName,
  ),
  partMethod(
    "getType",
    [],
    { returns: "string or none", docs: "The media type in lower case; none without Content-Type." },
    typeOf,
  ),
  partMethod(
    "getTypeParameter",
    [string("name")],
    { returns: "string or none", docs: "A parameter of Content-Type, such as charset, decoded." },
    (part, [name]) => parameterOf(firstValue(part, "content-type") ?? "", name),
  ),
  partMethod(
    "getBody",
    [options],
    {
      returns: "string or none",
      docs: "The body without its transfer encoding; as it stands with option `decode` false, and for a multipart.",
    },
    (part, [given]) => body(part, given),
  ),
  partMethod(
    "setBody",
    [string("data"), options],
    {
      returns: "MIMEPart or none",
      docs: "Replaces the body; it is encoded as option `encoding` or Content-Transfer-Encoding says, or by its content.",
    },
    (part, [data, given], object) => {
      const encoding = option(given, "encoding");
      putBody(part, data, encoding === null ? null : toText(encoding));
      return object;
    },
  ),
  ...edges,
  ...placing,
  partMethod(
    "replacePart",
    [mimeParameter],
    { returns: "none", docs: "Puts another part in the place of this one." },
    (part, [by]) =>
      after(adopted(by), (child) => {
        replace(part, child);
        return null;
      }),
  ),
  partMethod("remove", [], { returns: "none", docs: "Takes the part out of its multipart." }, (part) => {
    remove(part);
    return null;
  }),
  ...finding,
  partMethod(
    "getParts",
    [],
    { returns: "array of MIMEPart objects", docs: "The parts of a multipart, in order." },
    (part, _, __, handle) => list(part.children.map((child) => handleOf(child, handle))),
  ),
  partMethod(
    "getErrors",
    [],
    { returns: "array of string", docs: "What is wrong with the part: bad_header, unclosed_boundary." },
    ({ errors }) => list([...errors]),
  ),
];

export const mimePartClass: HostClass = makeClass("MIMEPart", "A part of a message.", {
  methods: partMethods,
});
