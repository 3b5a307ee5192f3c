/** The class Iconv: bytes from one character set to another. */
import { BudgetError } from "../error.ts";
import { type HostClass, declare, makeClass, parameter } from "../host.ts";
import { characterSets } from "../late-packages.ts";
import { MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";
import { HostObject, type Value } from "../value.ts";

interface Converter {
  /** Both character sets are there. */
  readonly isKnown: boolean;
  readonly from: string;
  readonly to: string;
  readonly lossy: boolean;
  errno: number;
}

/** EILSEQ: bytes or characters that have no counterpart. EINVAL: a character set that is not known. */
const EILSEQ = 84;
const EINVAL = 22;
const isConverter = (state: unknown): state is Converter =>
  typeof state === "object" && state !== null && "lossy" in state;
const self = parameter.object("self", "Iconv", ({ state }) => (isConverter(state) ? state : undefined));

/** Some milliseconds of the slowest set. It has more bytes than there are steps between two looks at the clock. */
const PIECE = 65_536;

function convert(converter: Converter, text: string): string | null {
  if (!converter.isKnown) return null;
  const decoded = decode(Buffer.from(text, "latin1"), converter.from);
  const encoded = encode(decoded, converter.to);
  if (encoded.length > MAX_STRING) throw new BudgetError("a string is too long");
  const isSame =
    converter.lossy || (!decoded.includes("\ufffd") && decode(encoded, converter.to) === decoded);
  converter.errno = isSame ? 0 : EILSEQ;
  return isSame ? encoded.toString("latin1") : null;
}

function decode(bytes: Buffer, charset: string): string {
  const decoder = characterSets().getDecoder(charset);
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    pay(Math.min(bytes.length - at, PIECE));
    text += decoder.write(bytes.subarray(at, at + PIECE));
  }
  return text + (decoder.end() ?? "");
}

function encode(text: string, charset: string): Buffer {
  const encoder = characterSets().getEncoder(charset);
  const parts: Buffer[] = [];
  for (let at = 0; at < text.length; at += PIECE) {
    pay(Math.min(text.length - at, PIECE));
    parts.push(encoder.write(text.slice(at, at + PIECE)));
  }
  const end = encoder.end();
  return Buffer.concat(end === undefined ? parts : [...parts, end]);
}

function pay(size: number): void {
  meter.charge(size);
  meter.allocate(size * 4);
}

/** Names come out of mail: one that is not known is no failure of the script, and none at all is the system's own. */
function open(from: string, to: string): HostObject {
  const [charset = "", ...flags] = to.split("//");
  const [source, target] = [from || "utf-8", charset || "utf-8"];
  const isKnown = [source, target].every((name) => characterSets().encodingExists(name));
  const errno = isKnown ? 0 : EINVAL;
  const state: Converter = { isKnown, from: source, to: target, lossy: flags.length > 0, errno };
  return new HostObject(iconvClass, state);
}

export const iconvClass: HostClass = makeClass("Iconv", "Converts texts between character sets.", {
  construct: declare({
    name: "Iconv",
    parameters: [parameter.string("fromcharset"), parameter.string("tocharset")],
    returns: "Iconv",
    docs: "A converter; //IGNORE or //TRANSLIT after the target lets through what cannot be converted, as ?.",
    run: (_, from, to): Value => open(from, to),
  }),
  methods: [
    declare({
      name: "close",
      parameters: [self],
      returns: "none",
      docs: "Ends the converter; nothing is held.",
      run: () => null,
    }),
    declare({
      name: "convert",
      parameters: [self, parameter.string("text")],
      returns: "string or none",
      docs: "The text in the target's bytes, none when that cannot be; errno() is 22 where a character set is not known.",
      run: (_, converter, text) => convert(converter, text),
    }),
    declare({
      name: "errno",
      parameters: [self],
      returns: "number",
      docs: "The error of the last conversion, 0 for none.",
      run: (_, converter) => converter.errno,
    }),
  ],
});
