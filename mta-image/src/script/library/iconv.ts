/** The class Iconv: bytes from one character set to another. */
import { Refusal } from "../error.ts";
import { type HostClass, declare, makeClass, parameter } from "../host.ts";
import { characterSets } from "../late-packages.ts";
import { HostObject, type Value } from "../value.ts";

interface Converter {
  readonly from: string;
  readonly to: string;
  readonly lossy: boolean;
  errno: number;
}

/** EILSEQ: bytes or characters that have no counterpart. */
const EILSEQ = 84;
const isConverter = (state: unknown): state is Converter =>
  typeof state === "object" && state !== null && "lossy" in state;
const self = parameter.object("self", "Iconv", ({ state }) => (isConverter(state) ? state : undefined));

function convert(converter: Converter, text: string): string | null {
  const iconv = characterSets();
  const decoded = iconv.decode(Buffer.from(text, "latin1"), converter.from);
  const encoded = iconv.encode(decoded, converter.to);
  const back = iconv.decode(encoded, converter.to) === decoded && !decoded.includes("\ufffd");
  converter.errno = back || converter.lossy ? 0 : EILSEQ;
  return converter.errno === 0 ? encoded.toString("latin1") : null;
}

function open(from: string, to: string): HostObject {
  const [charset = "", ...flags] = to.split("//");
  const known = [from, charset].find((name) => !characterSets().encodingExists(name));
  if (known !== undefined) throw new Refusal(`${known} is no known character set`);
  return new HostObject(iconvClass, {
    from,
    to: charset,
    lossy: flags.length > 0,
    errno: 0,
  } satisfies Converter);
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
      docs: "The text in the target's bytes, none when that cannot be.",
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
