/**
 * C values and C memory for the script class FFI, over Node's own `node:ffi`. That module is experimental, so it is
 * loaded only when scripts may use FFI, and only here and in class.ts. A value keeps what it points into alive;
 * memory that a value owns is freed some time after nobody holds the value any more. Nothing else is safe: a wrong
 * address ends the process, which is why FFI is off unless configured.
 */
import { Refusal } from "../../script/error.ts";

export type Foreign = typeof import("node:ffi");

/** The names of libffi, and what Node calls them. */
const nodeNames = {
  void: "void",
  pointer: "pointer",
  float: "float",
  double: "double",
  uint8: "uint8",
  sint8: "int8",
  uint16: "uint16",
  sint16: "int16",
  uint32: "uint32",
  sint32: "int32",
  uint64: "uint64",
  sint64: "int64",
} as const;
export type TypeName = keyof typeof nodeNames;

export const typeNames = Object.keys(nodeNames) as TypeName[];

export function nodeName(type: TypeName): (typeof nodeNames)[TypeName] {
  return nodeNames[type];
}

export function isWide(type: TypeName): boolean {
  return type === "pointer" || type === "uint64" || type === "sint64";
}

/** Wide types are bigints, as Node passes them. */
export class ForeignValue {
  readonly type: TypeName;
  readonly value: number | bigint;
  /** Other values whose memory this one points into. */
  readonly keeps: readonly unknown[];

  constructor(type: TypeName, value: number | bigint, keeps: readonly unknown[] = []) {
    this.type = type;
    this.value = value;
    this.keeps = keeps;
  }

  get address(): bigint {
    if (this.type !== "pointer" || typeof this.value !== "bigint")
      throw new Refusal("the value is no pointer");
    return this.value;
  }
}

/** Bounds what one script can take; the process has no other limit on it. */
const MOST_BYTES = 64 * 1024 * 1024;

export class Memory {
  readonly #ffi: Foreign;
  readonly #malloc: (size: bigint) => bigint;
  readonly #strlen: (address: bigint) => bigint;
  readonly #free: (address: bigint) => void;
  readonly #owned: FinalizationRegistry<() => void>;

  constructor(ffi: Foreign) {
    const libc = new ffi.DynamicLibrary("libc.so.6");
    this.#ffi = ffi;
    this.#malloc = libc.getFunction("malloc", { arguments: ["uint64"], return: "pointer" });
    this.#strlen = libc.getFunction("strlen", { arguments: ["pointer"], return: "uint64" });
    this.#free = libc.getFunction("free", { arguments: ["pointer"], return: "void" });
    this.#owned = new FinalizationRegistry((end) => end());
  }

  /** Zeroed memory that the value owns. */
  allocate(size: number, keeps: readonly unknown[] = []): ForeignValue {
    if (!(size >= 0 && size <= MOST_BYTES))
      throw new Refusal(`memory is allocated up to ${MOST_BYTES} bytes`);
    const address = this.#malloc(BigInt(Math.max(Math.trunc(size), 1)));
    if (address === 0n) throw new Refusal("no memory is left");
    this.write(address, Buffer.alloc(Math.trunc(size)));
    return this.own(new ForeignValue("pointer", address, keeps), null);
  }

  copyOf(text: string): ForeignValue {
    const value = this.allocate(text.length + 1);
    this.write(value.address, Buffer.from(text, "latin1"));
    return value;
  }

  /** From now on the value's memory ends with it: through `end`, or freed. */
  own(value: ForeignValue, end: (() => void) | null): ForeignValue {
    const { address } = value;
    this.#owned.register(value, end ?? (() => this.#free(address)), value);
    return value;
  }

  disown(value: ForeignValue): void {
    this.#owned.unregister(value);
  }

  write(address: bigint, bytes: Buffer): void {
    if (address === 0n) throw new Refusal("the pointer is null");
    if (bytes.length > 0) this.#ffi.exportBuffer(bytes, address, bytes.length);
  }

  /** Without a size: up to the first zero byte. */
  read(address: bigint, size: number | undefined): string {
    if (address === 0n) throw new Refusal("the pointer is null");
    const length = size ?? Number(this.#strlen(address));
    if (!(length >= 0 && length <= MOST_BYTES)) throw new Refusal(`memory is read up to ${MOST_BYTES} bytes`);
    return length === 0 ? "" : this.#ffi.toBuffer(address, Math.trunc(length), true).toString("latin1");
  }

  /** A cell of memory that holds the value. */
  refer(value: ForeignValue): ForeignValue {
    const bytes = Buffer.alloc(8);
    writeValue(bytes, value);
    const cell = this.allocate(8, [value]);
    this.write(cell.address, bytes);
    return cell;
  }

  dereference(value: ForeignValue, type: TypeName): ForeignValue | null {
    if (value.address === 0n || type === "void") return null;
    const bytes = this.#ffi.toBuffer(value.address, sizeOf(type), true);
    return new ForeignValue(type, readValue(bytes, type), [value]);
  }
}

export function sizeOf(type: TypeName): number {
  if (type === "void") return 0;
  if (isWide(type) || type === "double") return 8;
  return type === "float" ? 4 : Number(type.replace(/\D+/, "")) / 8;
}

/** A number as a value of that type: cut and wrapped as C would. */
export function fromNumber(type: TypeName, number: number): ForeignValue {
  if (type === "void") throw new Refusal("void has no values");
  if (type === "float" || type === "double") return new ForeignValue(type, number);
  const whole = Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n;
  const bits = sizeOf(type) * 8;
  const wrapped = type.startsWith("s") ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole);
  return new ForeignValue(type, isWide(type) ? wrapped : Number(wrapped));
}

function writeValue(bytes: Buffer, { type, value }: ForeignValue): void {
  if (type === "double") bytes.writeDoubleLE(Number(value));
  else if (type === "float") bytes.writeFloatLE(Number(value));
  else bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
}

function readValue(bytes: Buffer, type: TypeName): number | bigint {
  switch (type) {
    case "double":
      return bytes.readDoubleLE();
    case "float":
      return bytes.readFloatLE();
    case "sint64":
      return bytes.readBigInt64LE();
    case "uint64":
    case "pointer":
      return bytes.readBigUInt64LE();
    default:
      return type.startsWith("s") ? bytes.readIntLE(0, bytes.length) : bytes.readUIntLE(0, bytes.length);
  }
}
