/** Files as one tar archive in the ustar format (pure). Names are ours and short. */
export interface TarFile {
  readonly name: string;
  readonly text: string;
}

const BLOCK = 512;

export function tar(files: readonly TarFile[], modifiedSeconds: number): Buffer {
  const parts = files.flatMap(({ name, text }) => {
    const body = Buffer.from(text, "utf8");
    return [
      header(name, body.length, modifiedSeconds),
      body,
      Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK),
    ];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header(name: string, size: number, modifiedSeconds: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`a name of more than 100 bytes: ${name}`);
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0);
  block.write("0000600\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${octal(size, 11)}\0`, 124);
  block.write(`${octal(Math.floor(modifiedSeconds), 11)}\0`, 136);
  block.fill(" ", 148, 156); // The sum is made as if it were blank.
  block.write("0", 156);
  block.write("ustar\u000000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
