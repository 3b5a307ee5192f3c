/**
 * Script values on the bridge and back. Arrays are copied, for native code must not see one change; an object that
 * a plugin made is itself again. Resources of other rooms (files, certificates, keys) are told by the `Resources`
 * that is handed in; what nobody can tell is opaque to plugins. Throws a Refusal for arrays nested too deeply.
 */
import { Refusal } from "../script/error.ts";
import { keyOf } from "../script/key.ts";
import { type Value, HostObject, HslArray } from "../script/value.ts";
import type { Wire, WireObject, WireSpecial } from "./native.ts";

/** The state of a script object that stands for a plugin's. */
export class PluginObject {
  readonly wire: WireObject;

  constructor(wire: WireObject) {
    this.wire = wire;
  }
}

export interface Resources {
  /** null: plugins cannot read it. */
  encode(object: HostObject): WireSpecial | null;
  decode(kind: "x509" | "privatekey", der: Uint8Array): Value;
}

export const noResources: Resources = { encode: () => null, decode: () => null };

/** The native side's bound is 256 levels. */
const MAX_DEPTH = 250;

/** Arrays within arrays may share parts, so that a small value would be copied without end. */
const MAX_ITEMS = 1_000_000;

/** What one call may take, and whether some of it must be opened first. */
export interface Room {
  items: number;
  unopened: number;
}

export const wholeRoom = (): Room => ({ items: MAX_ITEMS, unopened: 0 });

export function encode(value: Value, resources: Resources, depth = 0, room = wholeRoom()): Wire {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof HslArray) return encodeArray(value, resources, depth, room);
  if (!(value instanceof HostObject)) return { kind: "opaque" };
  if (value.state instanceof PluginObject) return value.state.wire;
  const special = resources.encode(value);
  if (special?.kind === "unopened") room.unopened += 1;
  return special ?? { kind: "opaque" };
}

function encodeArray(array: HslArray, resources: Resources, depth: number, room: Room): Wire {
  if (depth === MAX_DEPTH) throw new Refusal("an array is nested too deeply for a plugin");
  room.items -= array.size;
  if (room.items < 0) throw new Refusal("an array is too large for a plugin");
  const wire: Wire[] = [];
  for (const [key, item] of array.entries()) wire.push(key, encode(item, resources, depth + 1, room));
  return wire;
}

export interface Decoding {
  readonly resources: Resources;
  makeObject(wire: WireObject): Value;
  /** What "this" stands for, none outside of methods. */
  readonly self: Value;
}

export function decode(wire: Wire, decoding: Decoding): Value {
  if (wire === null || typeof wire !== "object") return wire;
  if (!("kind" in wire)) return decodeArray(wire, decoding);
  switch (wire.kind) {
    case "object":
      return decoding.makeObject(wire);
    case "this":
      return decoding.self;
    case "x509":
    case "privatekey":
      return decoding.resources.decode(wire.kind, wire.der);
    case "exception":
      return wire.message;
    default:
      return null;
  }
}

/** A pair whose key is none, as careless plugins leave it, is appended. */
function decodeArray(wire: readonly Wire[], decoding: Decoding): HslArray {
  const array = new HslArray();
  for (let index = 0; index + 1 < wire.length; index += 2) {
    const key = decode(wire[index] ?? null, decoding);
    const item = decode(wire[index + 1] ?? null, decoding);
    if (keyOf(key) === null) array.add(item);
    else array.put(key, item);
  }
  return array;
}
