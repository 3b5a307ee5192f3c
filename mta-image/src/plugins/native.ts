/**
 * The addon as TypeScript sees it: every function and shape that crosses the bridge. Absent is `null`, nothing is
 * optional. All functions run on the main thread and come back at once; what plugins say from their own threads
 * arrives through `onResume` and `onEvent`. They throw an Error whose text says what a plugin did wrong.
 * `loadNative` throws a Failure when the addon is missing or does not fit this Node.
 */
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

import { Failure, describe } from "#base/error.ts";

/** A script value on the bridge. Strings are bytes, one character each. An array is key, item, key, item, … */
export type Wire = null | boolean | number | string | readonly Wire[] | WireSpecial;

export type WireSpecial =
  | WireObject
  | { readonly kind: "file"; readonly pieces: readonly Piece[] }
  | UnopenedFile
  | { readonly kind: "x509" | "privatekey"; readonly der: Uint8Array }
  | { readonly kind: "exception"; readonly message: string }
  /** The object whose method was called. */
  | { readonly kind: "this" }
  /** A value that plugins cannot read: they see an object without a handle. */
  | { readonly kind: "opaque" };

/** A file that takes a while to open; never crosses the bridge (opened-files.ts). */
export interface UnopenedFile {
  readonly kind: "unopened";
  /** Rejects when it cannot be opened or read. */
  open(): Promise<{ readonly pieces: readonly Piece[]; close(): Promise<void> }>;
}

/** An object that a plugin made; its destructor runs some time after the last handle is garbage. */
export interface WireObject {
  readonly kind: "object";
  readonly type: string;
  readonly methods: readonly string[];
  readonly handle: ObjectHandle;
}

export type ObjectHandle = { readonly __objectHandle: never };

/** Part of a message: bytes, or a range of an open file (the descriptor is duplicated during the call). */
export type Piece = Buffer | { readonly fd: number; readonly offset: number; readonly length: number };

/** Runs a plugin's function. After it, `outcome[0]` says how it went; the result counts for value and thrown only. */
export type NativeFunction = (...args: readonly Wire[]) => Wire | undefined;

export const outcomes = { value: 0, thrown: 1, suspended: 2 } as const;

/** The mail server, or the script interpreter. */
export type Program = "smtpd" | "hsh";

export interface NativeBinding {
  /** [0] one of `outcomes`, [1] the index of a suspended call. */
  readonly outcome: Int32Array;
  onResume(index: number, thrown: boolean, value: Wire): void;
  onEvent(kind: EventKind, payload: Wire): void;
  /** Calls that hold the loop for longer are reported. */
  readonly blockedMs: number;
  /** What plugins see as the name of the program: some behave otherwise under the interpreter. */
  readonly program: Program;
}

export const eventKinds = [
  "report",
  "delivered",
  "inject",
  "suspend-add",
  "suspend-delete",
  "policy-add",
  "policy-update",
  "policy-delete",
  "policy-divide",
  "list-add",
  "list-item-add",
  "list-item-delete",
  "list-reload",
] as const;
export type EventKind = (typeof eventKinds)[number];

export interface NativeRegistration {
  /** True: only for `import … from "extras://<id>"`. */
  readonly module: boolean;
  readonly className: string | null;
  readonly name: string;
  readonly call: NativeFunction;
}

/** What plugins may read of a message; "" where a field is not known yet. */
export interface NativeMessage {
  readonly transactionid: string;
  readonly queueid: number;
  readonly transportid: string;
  readonly localip: string;
  readonly remoteip: string;
  readonly remotemx: string;
  readonly recipientdomain: string;
  readonly jobid: string;
  readonly grouping: string;
  readonly tenantid: string;
}

export const queueHooks = [
  "Halon_queue_insert_callback",
  "Halon_queue_preadd",
  "Halon_queue_pickup_acquire2",
  "Halon_queue_pickup_acquire",
] as const;
export type QueueHook = (typeof queueHooks)[number];

export interface NativeFigures {
  readonly calls: number;
  readonly suspended: number;
  readonly misuses: number;
  readonly blockedCalls: number;
  readonly longestMs: number;
  /** Sum over the blocked calls. */
  readonly blockedMs: number;
}

export interface NativeAddon {
  /** Once a process, before anything else. */
  bind(binding: NativeBinding): void;
  /** Whether plugins find this HalonMTA_ function. */
  provides(name: string): boolean;
  /** Opens a shared object for good; `inPlace`: its functions run on stacks of their own. */
  open(id: string, path: string, inPlace: boolean): number;
  /** The function that a library of the plugin needs and nobody has, in the loader's words; "" when all is there. */
  unbound(plugin: number): string;
  exported(plugin: number, name: string): boolean;
  /** What the plugin was built for, and what this host is. */
  version(plugin: number): [number, number];
  /** null: no configuration. */
  configure(plugin: number, config: unknown, appConfig: unknown): void;
  earlyInit(plugin: number): boolean;
  init(plugin: number): boolean;
  register(plugin: number): NativeRegistration[];
  ready(plugin: number): void;
  reload(plugin: number, appConfig: unknown): void;
  earlyCleanup(plugin: number): void;
  /** Runs the destructors of all objects that scripts hold; no function can be called afterwards. */
  emptyObjects(): void;
  cleanup(plugin: number): void;
  /** Nothing arrives from plugins any more. */
  close(): void;
  command(plugin: number, args: readonly string[]): { ok: boolean; text: string };
  plainCommand(plugin: number, text: string): { ok: boolean; text: string };
  callMethod(handle: ObjectHandle, method: number, ...args: readonly Wire[]): Wire | undefined;
  /** Gives the token that the event "delivered" will carry. */
  deliver(plugin: number, message: NativeMessage, file: readonly Piece[], args: Wire): number;
  queueHook(
    plugin: number,
    hook: QueueHook,
    message: NativeMessage,
    localIps: readonly string[],
  ): { accepted: boolean; localIps: string[] | null; ret: Wire };
  /** Servers of type plugin and the longest message that each takes. */
  setServers(ids: readonly string[], longest: readonly number[]): void;
  answerInjection(token: number, code: number): void;
  /** A suspension or policy ended otherwise than by the plugin. */
  forget(kind: "suspension" | "policy", id: string): void;
  figures(plugin: number): NativeFigures;
  /** The note of a crash also goes to the end of this file. False: it cannot be written. */
  keepNotes(path: string): boolean;
  /** A FILE* over the pieces, for foreign functions; its address. */
  openFile(pieces: readonly Piece[]): bigint;
  closeFile(address: bigint): void;
  /** An X509* of the system's libcrypto, for foreign functions; null where that library is missing. DER, a character a byte. */
  openCertificate(der: string): bigint | null;
  closeCertificate(address: bigint): void;
  /** Whose process opened the other end of a UNIX socket; null for another kind of socket. */
  peerUid(descriptor: number): number | null;
  /** A socket that leaves from an address which the system need not have; its descriptor, or a negative errno. */
  boundSocket(address: string, port: number, isStream: boolean): number;
  /** Opens a library so that its own libraries come before Node's; throws when it cannot be opened. */
  preload(path: string): void;
  /** Whether the address is in the opened library itself, not in one that it links. */
  owns(path: string, address: bigint): boolean;
  /** Tells what is waiting now, in place of at the next turn of the loop. */
  drain(): void;
  /** Gives the number back: what a call over the bridge costs by itself. */
  echo(value: number): number;
}

/** Plugins find the addon's functions by name, so it is opened with global symbols. */
export function loadNative(path: string): NativeAddon {
  const module = { exports: {} };
  try {
    process.dlopen(module, path, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
  } catch (error) {
    throw new Failure("native-addon", `the plugin host ${path} cannot be loaded: ${describe(error)}`, {
      transient: false,
      cause: error,
    });
  }
  return module.exports as NativeAddon;
}

/** Where the addon is: in the checkout where make puts it, in an image beside the bundle (tools/bundle.ts). */
export function addonBesideEngine(): string {
  return fileURLToPath(new URL("../../../build/native/plugin-host.node", import.meta.url));
}
