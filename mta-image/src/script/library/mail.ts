/** Addresses and header fields as functions: RFC 5322 lists, RFC 5321 paths, RFC 2047 words, tag lists. */
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { type Mailbox, readAddresses, writeAddresses } from "../mail/addresses.ts";
import { tagList } from "../mail/check.ts";
import { decodeWords, encodeWords } from "../mail/words.ts";
import { HslArray, type Value } from "../value.ts";
import { flag, list, record } from "./subjects.ts";

const { string, array } = parameter;
const options = optional(array("options"));

export const mailFunctions: readonly HostFunction[] = [
  declare({
    name: "envelope_address_parse",
    parameters: [string("address")],
    returns: "array or none",
    docs: "Local part and domain of an envelope address, as localpart and domain; none when it is none. The local part comes without quotes.",
    run: (_, text) => {
      const parts = /^(?:"((?:[^"\\]|\\.)*)"|([^ \t\r\n"<>]*))@([^@ \t\r\n<>]*)$/.exec(text);
      if (parts === null)
        return text === "" || /[ \t\r\n"<>@]/.test(text) ? null : record({ localpart: text, domain: "" });
      const local = parts[1]?.replace(/\\(.)/g, "$1") ?? parts[2] ?? "";
      return record({ localpart: local, domain: parts[3] ?? "" });
    },
  }),
  declare({
    name: "envelope_localpart_escape",
    parameters: [string("localpart")],
    returns: "string",
    docs: "The local part as it stands in an address: in quotes when it needs them.",
    run: (_, text) =>
      /^[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*$/.test(text)
        ? text
        : `"${text.replace(/["\\]/g, "\\$&")}"`,
  }),
  declare({
    name: "header_addresslist_extract",
    parameters: [string("value"), options],
    returns: "array or none",
    docs: "The addresses of a list such as that of To; with option `name`, arrays of name (decoded) and address. Option `field` (boolean): the value is a whole field with its name. None when it cannot be read.",
    run: (_, value, how) => {
      const found = readAddresses(fieldText(value, how));
      if (found === null) return null;
      return list(
        found.map(({ name, address }) => (flag(how, "name") ? record({ name, address }) : address)),
      );
    },
  }),
  declare({
    name: "header_addresslist_compile",
    parameters: [array("addresses")],
    returns: "string",
    docs: "A list for a field such as To, of addresses or of arrays with name and address.",
    run: (_, addresses) => writeAddresses(addresses.values().map(mailboxOf)),
  }),
  declare({
    name: "header_dkim_decode",
    parameters: [string("value"), options],
    returns: "array or none",
    docs: "The tags of a list such as `v=1; a=b` by name; none when it is none. A list with v= must begin with it. Option `field` (boolean): the value is a whole field with its name.",
    run: (_, value, how) => {
      const tags = tagList(fieldText(value, how));
      if (tags === null || (tags.has("v") && tags.keys().next().value !== "v")) return null;
      return HslArray.from(tags);
    },
  }),
  declare({
    name: "mimeword_encode",
    parameters: [string("string")],
    returns: "string",
    docs: "UTF-8 text as encoded words where it is not ASCII.",
    run: (_, text) => encodeWords(text),
  }),
  declare({
    name: "mimeword_decode",
    parameters: [string("string")],
    returns: "string",
    docs: "Text with its encoded words decoded, in UTF-8.",
    run: (_, text) => decodeWords(text),
  }),
];

/** Without the name of the field, where the script says that there is one. */
function fieldText(text: string, how: HslArray | undefined): string {
  return flag(how, "field") ? text.replace(/^[^:]*:/, "") : text;
}

function mailboxOf(value: Value): Mailbox {
  const [name, address] =
    value instanceof HslArray ? [value.get("name"), value.get("address") ?? value.get(0)] : [null, value];
  const text = toText(address);
  if (text === "" || /[\r\n\0<>]/.test(text)) throw new Refusal("an address is missing or cannot be one");
  return { name: toText(name).replace(/[\r\n\0]/g, " "), address: text };
}
