/**
 * The script class FFI: functions of any C library, without a plugin. `loadForeign` gives it as a Host for scripts,
 * when the configuration allows it (scripting.ffi); otherwise nobody calls this and Node's module is never loaded.
 * Where libraries are named (scripting.ffilibraries) scripts get functions of these and of no other.
 * Calls run on the event loop and block it. What is refused is an Exception for the script; a library or symbol
 * that is not there is none. Wrong types or addresses end the process: that is the nature of the thing.
 */
import { Refusal } from "../../script/error.ts";
import { type Value, HostObject, HslArray, HslFunction } from "../../script/value.ts";
import { now } from "../../script/calls.ts";
import { type Host, declare, makeClass, makeHost, optional, parameter } from "../../script/host.ts";
import type { NativeAddon, Piece } from "../native.ts";
import {
  type Foreign,
  ForeignValue,
  Memory,
  type TypeName,
  fromNumber,
  isWide,
  nodeName,
  sizeOf,
  typeNames,
} from "./memory.ts";

export interface ForeignFunctions {
  readonly host: Host;
  /** A FILE* over the pieces, for File->toFFIValue(); it is closed when nobody holds the value any more. */
  fileValue(pieces: readonly Piece[]): Value;
  /** An X509* of the system's libcrypto, for X509->toFFIValue(); none where that is missing. DER, a character a byte. */
  certificateValue(der: string): Value;
  /** A file descriptor, for Socket->toFFIValue(). */
  descriptorValue(descriptor: number): Value;
}

/** What a callback threw; the call of C that it was under throws it when C is back. */
interface Trouble {
  error: unknown;
}

const typeClass = makeClass("FFIType", "A C type.", {});
const valueClass = makeClass("FFIValue", "A C value.", {});

const wrap = (value: ForeignValue): HostObject => new HostObject(valueClass, value);
const foreignOf = (object: HostObject): ForeignValue | undefined =>
  object.state instanceof ForeignValue ? object.state : undefined;
const typeOf = (object: HostObject): TypeName | undefined =>
  object.cls === typeClass ? (object.state as TypeName) : undefined;

const theType = (name: string) => parameter.object<TypeName>(name, "FFIType", typeOf);
const theValue = (name: string) => parameter.object<ForeignValue>(name, "FFIValue", foreignOf);

interface Library {
  readonly path: string;
  /** Whether a name that was found leads to what scripts may have. */
  readonly gives: (address: bigint) => boolean;
}

/** `allowed`: libraries as scripts name them; null: any. */
export async function loadForeign(
  native: NativeAddon,
  allowed: readonly string[] | null,
): Promise<ForeignFunctions> {
  const ffi = await import("node:ffi");
  const memory = new Memory(ffi);
  const trouble: Trouble = { error: null };
  const cls = makeClass("FFI", "Functions of C libraries.", {
    construct: declare({
      name: "FFI",
      parameters: [parameter.string("path")],
      returns: "FFI",
      docs: "Opens a shared library.",
      run: (_, path) => {
        if (allowed?.includes(path) === false)
          throw new Refusal(`FFI() may not open ${path}: scripting.ffilibraries has ${allowed.join(", ")}`);
        try {
          native.preload(path);
        } catch (error) {
          throw new Refusal(`FFI() cannot open ${path}: ${(error as Error).message}`);
        }
        const gives = (address: bigint): boolean => allowed === null || native.owns(path, address);
        return new HostObject(cls, { path, gives } satisfies Library);
      },
    }),
    methods: libraryMethods(ffi, trouble),
    statics: [
      ...valueStatics(memory),
      ...memoryStatics(memory),
      ...pointerStatics(memory),
      ...ownershipStatics(memory),
      callbackStatic(ffi, trouble),
    ],
  });
  return {
    host: makeHost([], [cls, typeClass, valueClass]),
    fileValue(pieces) {
      const address = native.openFile(pieces);
      return wrap(memory.own(new ForeignValue("pointer", address), () => native.closeFile(address)));
    },
    certificateValue(der) {
      const address = native.openCertificate(der);
      if (address === null) return null;
      const value = new ForeignValue("pointer", address);
      return wrap(memory.own(value, () => native.closeCertificate(address)));
    },
    descriptorValue: (descriptor) => wrap(fromNumber("sint32", descriptor)),
  };
}

function libraryMethods(ffi: Foreign, trouble: Trouble) {
  const self = parameter.object<Library>("this", "FFI", (object) => object.state as Library);
  return [
    declare({
      name: "func",
      parameters: [self, parameter.string("name"), parameter.array("arguments"), theType("returntype")],
      returns: "FFIFunction or none",
      docs: "A function of the library with these types.",
      run: (_, library, name, list, result) =>
        functionOf({ ffi, library, trouble }, name, typesIn(list), result),
    }),
    declare({
      name: "symbol",
      parameters: [self, parameter.string("name")],
      returns: "FFIValue or none",
      docs: "The address of a symbol of the library.",
      run: (_, library, name) => {
        const address = addressOf(ffi, library, name);
        return address === null ? null : wrap(new ForeignValue("pointer", address));
      },
    }),
  ];
}

function typesIn(list: HslArray): TypeName[] {
  return list.values().map((item) => {
    const type = item instanceof HostObject ? typeOf(item) : undefined;
    if (type === undefined) throw new Refusal("the types of a function are a list of FFI::type()");
    return type;
  });
}

function addressOf(ffi: Foreign, { path, gives }: Library, name: string): bigint | null {
  try {
    const address = new ffi.DynamicLibrary(path).getSymbol(name);
    return gives(address) ? address : null;
  } catch {
    return null;
  }
}

type Call = (...args: (number | bigint)[]) => number | bigint | undefined;

/** Node remembers one signature a name and library, so each function has an opened library of its own. */
function functionOf(
  { ffi, library, trouble }: { readonly ffi: Foreign; readonly library: Library; readonly trouble: Trouble },
  name: string,
  types: TypeName[],
  result: TypeName,
): Value {
  if (addressOf(ffi, library, name) === null) return null;
  const signature = { arguments: types.map((type) => nodeName(type)), return: nodeName(result) };
  const call = new ffi.DynamicLibrary(library.path).getFunction(name, signature as never) as unknown as Call;
  return new HslFunction(name, types.length, types.length, "plain", (...args) => {
    const given = types.map((type, index) => argumentOf(name, type, args[index] ?? null));
    trouble.error = null;
    const got = call(...given.map(({ value }) => value));
    if (trouble.error !== null) throw trouble.error;
    return got === undefined ? null : wrap(new ForeignValue(result, got));
  });
}

/** Numbers are taken for numeric types and none for a null pointer; all else must have the very type. */
function argumentOf(name: string, type: TypeName, value: Value): ForeignValue {
  if (type !== "pointer" && typeof value === "number") return fromNumber(type, value);
  if (type === "pointer" && value === null) return new ForeignValue("pointer", 0n);
  const foreign = value instanceof HostObject ? foreignOf(value) : undefined;
  if (foreign === undefined || foreign.type !== type)
    throw new Refusal(`${name}() wants a C value of type ${type}`);
  return foreign;
}

function valueStatics(memory: Memory) {
  return [
    declare({
      name: "type",
      parameters: [parameter.string("name")],
      returns: "FFIType",
      docs: `A type by its name: ${typeNames.join(", ")}.`,
      run: (_, name) => {
        const type = typeNames.find((known) => known === name);
        if (type === undefined) throw new Refusal(`"${name}" is no C type; known are ${typeNames.join(" ")}`);
        return new HostObject(typeClass, type);
      },
    }),
    declare({
      name: "cnumber",
      parameters: [theType("type"), parameter.number("number")],
      returns: "FFIValue",
      docs: "A number of that type.",
      run: (_, type, number) => wrap(fromNumber(type, number)),
    }),
    declare({
      name: "cstring",
      parameters: [parameter.string("value")],
      returns: "FFIValue",
      docs: "A pointer to a copy of the text, zero-ended.",
      run: (_, text) => wrap(memory.copyOf(text)),
    }),
    declare({
      name: "nullptr",
      parameters: [],
      returns: "FFIValue",
      docs: "The null pointer.",
      run: () => wrap(new ForeignValue("pointer", 0n)),
    }),
    declare({
      name: "number",
      parameters: [theValue("value")],
      returns: "number",
      docs: "The value as a number; beyond 2^53 it is not exact.",
      run: (_, { value }) => Number(value),
    }),
    declare({
      name: "number64",
      parameters: [theValue("value")],
      returns: "array of number",
      docs: "The high and the low 32 bits.",
      run: (_, { value }) => {
        const whole = typeof value === "bigint" ? value : BigInt(Math.trunc(value));
        const bits = BigInt.asUintN(64, whole);
        return new HslArray([Number(bits >> 32n), Number(bits & 0xffffffffn)]);
      },
    }),
  ];
}

function memoryStatics(memory: Memory) {
  const size = parameter.of<number>("size", "number or FFIType", (value) => {
    if (typeof value === "number") return value;
    const type = value instanceof HostObject ? typeOf(value) : undefined;
    return type === undefined ? undefined : sizeOf(type);
  });
  return [
    declare({
      name: "allocate",
      parameters: [size],
      returns: "FFIValue",
      docs: "A pointer to zeroed memory, which ends with the value.",
      run: (_, bytes) => wrap(memory.allocate(bytes)),
    }),
    declare({
      name: "memcpy",
      parameters: [theValue("pointer"), parameter.string("data")],
      returns: "FFIValue",
      docs: "Copies the bytes to where the pointer points.",
      keeps: true,
      run: (_, pointer, data) => {
        memory.write(pointer.address, Buffer.from(data, "latin1"));
        return wrap(pointer);
      },
    }),
    declare({
      name: "byref",
      parameters: [theValue("value")],
      returns: "FFIValue",
      docs: "A pointer to memory that holds the value.",
      run: (_, value) => wrap(memory.refer(value)),
    }),
  ];
}

function pointerStatics(memory: Memory) {
  return [
    declare({
      name: "deref",
      parameters: [theValue("value"), optional(theType("type"))],
      returns: "FFIValue or none",
      docs: "What the pointer points at; a pointer unless a type is given.",
      run: (_, value, type = "pointer") => {
        const found = memory.dereference(value, type);
        return found === null ? null : wrap(found);
      },
    }),
    declare({
      name: "offset",
      parameters: [theValue("pointer"), parameter.number("offset")],
      returns: "FFIValue",
      docs: "The pointer, so many bytes further.",
      run: (_, pointer, bytes) => {
        const address = BigInt.asUintN(64, pointer.address + BigInt(Math.trunc(bytes)));
        return wrap(new ForeignValue("pointer", address, [pointer]));
      },
    }),
    declare({
      name: "string",
      parameters: [theValue("pointer"), optional(parameter.number("size"))],
      returns: "string",
      docs: "The bytes there, up to the first zero byte unless a size is given.",
      run: (_, pointer, bytes) => memory.read(pointer.address, bytes),
    }),
  ];
}

function ownershipStatics(memory: Memory) {
  return [
    declare({
      name: "attach",
      parameters: [theValue("pointer"), optional(parameter.function("destructor"))],
      returns: "FFIValue",
      docs: "The memory ends with the value from now on: through the FFIFunction, or with free().",
      run: (_, pointer, destructor) => {
        memory.disown(pointer);
        // The end must not hold the owner, or the owner would never be garbage.
        const { address } = pointer;
        const run = destructor?.run;
        const end = run === undefined ? null : () => void run(wrap(new ForeignValue("pointer", address)));
        const owner = new ForeignValue("pointer", address, [pointer]);
        return wrap(memory.own(owner, end));
      },
    }),
    declare({
      name: "detach",
      parameters: [theValue("pointer")],
      returns: "FFIValue",
      docs: "The memory no longer ends with the value: somebody else frees it.",
      run: (_, pointer) => {
        memory.disown(pointer);
        return wrap(new ForeignValue("pointer", pointer.address));
      },
    }),
  ];
}

/** Callbacks live as long as the process, for C may keep their address. */
const MOST_CALLBACKS = 4096;

function callbackStatic(ffi: Foreign, trouble: Trouble) {
  const library = new ffi.DynamicLibrary("libc.so.6");
  let made = 0;
  return declare({
    name: "callback",
    parameters: [parameter.array("arguments"), theType("returntype"), parameter.function("callback")],
    returns: "FFIValue",
    docs: "The address of a C function that calls the script's. It must be called on the event loop's thread.",
    keeps: true,
    run: (_, list, result, callback) => {
      if (made++ >= MOST_CALLBACKS) throw new Refusal(`more than ${MOST_CALLBACKS} callbacks`);
      const types = typesIn(list);
      const signature = { arguments: types.map((type) => nodeName(type)), return: nodeName(result) };
      const address = library.registerCallback(
        signature as never,
        ((...args: (number | bigint)[]) => {
          const values = args.map((value, index) => wrap(new ForeignValue(types[index] ?? "pointer", value)));
          try {
            const answer = now(callback.run(...values));
            return result === "void" ? undefined : argumentOf("callback", result, answer).value;
          } catch (error) {
            // C cannot be thrown through: it goes on with a zero, and the script hears of it afterwards.
            trouble.error ??= error;
            return result === "void" ? undefined : isWide(result) ? 0n : 0;
          }
        }) as never,
      );
      return wrap(new ForeignValue("pointer", address));
    },
  });
}
