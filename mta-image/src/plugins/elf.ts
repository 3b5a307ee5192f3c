/**
 * What the header of a shared object says, read without loading it: kind, machine, and which functions it exports
 * and needs. Pure over bytes from anywhere: everything is bounds-checked, a file that is cut or lies is `null` or
 * has empty lists, never an exception. Format: System V ABI, chapter 4, with 64-bit sizes.
 */

export interface Elf {
  readonly machine: "x64" | "arm64" | "other";
  readonly littleEndian64: boolean;
  readonly isSharedObject: boolean;
  readonly exported: readonly string[];
  readonly needed: readonly string[];
}

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
const DYNAMIC_SYMBOLS = 11;
const SHARED_OBJECT = 3;
const machines = new Map([
  [62, "x64"],
  [183, "arm64"],
] as const);

/** Real plugins have thousands (Go); a table longer than this is not read further. */
const MOST_SYMBOLS = 200_000;
const LONGEST_NAME = 512;

/** null: not an ELF file. */
export function readElf(file: Buffer): Elf | null {
  if (file.length < HEADER_BYTES || file.readUInt32BE(0) !== 0x7f454c46) return null;
  const littleEndian64 = file[4] === 2 && file[5] === 1;
  const symbols = littleEndian64 ? dynamicSymbols(file) : { exported: [], needed: [] };
  return {
    machine: machines.get(file.readUInt16LE(18) as 62 | 183) ?? "other",
    littleEndian64,
    isSharedObject: file.readUInt16LE(16) === SHARED_OBJECT,
    ...symbols,
  };
}

interface Section {
  readonly type: number;
  readonly link: number;
  readonly bytes: Buffer;
}

function sections(file: Buffer): Section[] {
  const offset = size(file, 40);
  const count = file.readUInt16LE(60);
  if (file.readUInt16LE(58) !== SECTION_BYTES || offset + count * SECTION_BYTES > file.length) return [];
  return Array.from({ length: count }, (_, index) => {
    const at = offset + index * SECTION_BYTES;
    const start = size(file, at + 24);
    return {
      type: file.readUInt32LE(at + 4),
      link: file.readUInt32LE(at + 40),
      bytes: file.subarray(start, start + size(file, at + 32)),
    };
  });
}

function dynamicSymbols(file: Buffer): { exported: string[]; needed: string[] } {
  const all = sections(file);
  const table = all.find(({ type }) => type === DYNAMIC_SYMBOLS);
  const names = table === undefined ? undefined : all[table.link]?.bytes;
  const exported: string[] = [];
  const needed: string[] = [];
  if (table === undefined || names === undefined) return { exported, needed };
  const count = Math.min(Math.floor(table.bytes.length / SYMBOL_BYTES), MOST_SYMBOLS);
  for (let index = 1; index < count; index += 1) {
    const at = index * SYMBOL_BYTES;
    const name = nameAt(names, table.bytes.readUInt32LE(at));
    if (name === "") continue;
    (table.bytes.readUInt16LE(at + 6) === 0 ? needed : exported).push(name);
  }
  return { exported, needed };
}

function nameAt(names: Buffer, start: number): string {
  const end = names.indexOf(0, start);
  if (start >= names.length || end < 0 || end - start > LONGEST_NAME) return "";
  return names.toString("latin1", start, end);
}

/** A 64-bit size; beyond any file it becomes one that every bounds check refuses. */
function size(file: Buffer, at: number): number {
  return Number(file.readBigUInt64LE(at));
}
