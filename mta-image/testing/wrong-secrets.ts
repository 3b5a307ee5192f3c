/**
 * What somebody shows who does not have a secret but something like it: each bit of it turned, each end of it cut off, and
 * what else a reader might take for it. For doors of HTTP: nothing that could not stand in a header.
 */
const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]+$/;

export function wrongSecrets(real: string): string[] {
  const bytes = Buffer.from(real, "latin1");
  const turned = Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return other.toString("latin1");
  });
  const cut = Array.from({ length: real.length - 1 }, (_, at) => [real.slice(0, at + 1), real.slice(at + 1)]);
  const alike = [
    ...[`${real}${real}`, `${real}=`, `${real} ${real}`, `"${real}"`, `${real}%00`, `${real}\u00e9`],
    ...[real.toUpperCase(), real.toLowerCase(), [...real].reverse().join("")],
    ...["null", "undefined", "true", "0", "[object Object]", "\u00ff\u00fe", "*", "%s%n"],
    "x".repeat(8000),
  ];
  const wrong = [...turned, ...cut.flat(), ...alike].map((text) => text.trim());
  return [...new Set(wrong)].filter((text) => HEADER_TEXT.test(text) && text !== real);
}
