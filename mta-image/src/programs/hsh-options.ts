/**
 * The command line of hsh, and what it takes from configuration files. `-c` is a smtpd.yaml (name of the host, keys,
 * plugins, scripting), `-A` a smtpd-app.yaml whose scripting.files are there to import and whose `__entrypoint` is what to
 * run: the id of a file, or a script, as editors of the MTA whose scripts run here write it. Neither has to be complete. Throws a
 * Failure that says what is wrong.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";

import { load } from "js-yaml";
import { z } from "zod";

import { Failure, describe } from "#base/error.ts";

import { pluginConfigs } from "../hooks/configured.ts";
import type { KeyFiles } from "../script-ports/keys.ts";

export interface HshOptions {
  /** What to run; "-" is standard input, null the entry point. */
  readonly file: string | null;
  readonly rootpath: string | null;
  readonly ffi: boolean;
  readonly privdrop: boolean;
  readonly plugins: readonly PluginChoice[];
  readonly hostname: string | null;
  readonly servers: readonly string[];
  /** pki.private, with paths that stand alone. */
  readonly keys: readonly KeyFiles[];
  /** scripting.files by id, as bytes. */
  readonly files: ReadonlyMap<string, string>;
  /** What "plugin-config://<id>/<file>" is, by that. */
  readonly configs: ReadonlyMap<string, string>;
  readonly entrypoint: EntryPoint | null;
}

/** A file by its id, or the text of a script (bytes). */
export type EntryPoint = { readonly id: string } | { readonly text: string };

export interface PluginChoice {
  readonly id: string;
  readonly path: string | null;
  readonly config: unknown;
  readonly appConfig: unknown;
}

export const USAGE = `hsh [options] [FILE]    runs a script; "-" or none is standard input

  -R, --rootpath DIR   folder that scripts may import and read from; else scripting.rootpath, else that of FILE
      --ffi            lets the script call C functions, as scripting.ffi does
  -p, --plugin PATH    loads a native plugin; more than one may be given
  -c, --config FILE    smtpd.yaml: name of this host, keys, plugins, scripting
  -A, --app FILE       smtpd-app.yaml: files to import, and __entrypoint, the one to run or a script ("-" is standard
                       input; FILE "-" is then the entry point)
      --privdrop       gives up root before anything runs
      --binary         taken for compatibility: output is bytes always
  -h, --help           prints this
`;

const Startup = z.looseObject({
  environment: z.looseObject({ hostname: z.string().optional() }).optional(),
  pki: z
    .looseObject({
      private: z
        .array(z.looseObject({ id: z.string(), key: z.string(), cert: z.string().optional() }))
        .default([]),
    })
    .optional(),
  plugins: z
    .array(z.looseObject({ id: z.string(), path: z.string().optional(), config: z.unknown().optional() }))
    .default([]),
  scripting: z.looseObject({ rootpath: z.string().optional(), ffi: z.boolean().default(false) }).optional(),
});

const App = z.looseObject({
  __entrypoint: z.string().optional(),
  scripting: z
    .looseObject({
      files: z
        .array(
          z.looseObject({
            id: z.string(),
            data: z.string().optional(),
            path: z.string().optional(),
            binary: z.boolean().default(false),
          }),
        )
        .default([]),
    })
    .optional(),
  plugins: z.array(z.looseObject({ id: z.string(), config: z.unknown().optional() })).default([]),
  resolver: z.looseObject({ servers: z.array(z.string()).default([]) }).optional(),
});

/** Null when help is wanted. */
export function readOptions(args: readonly string[]): HshOptions | null {
  const { values, positionals } = parse(args);
  if (values.help) return null;
  if (values.C !== undefined) throw failure("hsh has no debug socket (-C): breakpoints are those of mtactl");
  const startup = readYaml(values.config, Startup);
  const app = readYaml(values.app, App);
  const given = values.plugin.map((path) => ({ id: nameOf(path), path: resolve(path), config: null }));
  const configs = new Map(app.plugins.map(({ id, config }) => [id, config]));
  const plugins = [...startup.plugins, ...given].map(({ id, path, config }) => ({
    id,
    path: path ?? null,
    config: config ?? null,
    appConfig: configs.get(id) ?? null,
  }));
  const file = fileOf(positionals, values.app);
  const files = new Map((app.scripting?.files ?? []).map((file) => [file.id, textOf(file, values.app)]));
  if (file === null && values.app === "-" && app.__entrypoint === undefined)
    throw failure("the configuration has no __entrypoint, and no FILE is given: there is nothing to run");
  return {
    file,
    rootpath: values.rootpath ?? startup.scripting?.rootpath ?? null,
    ffi: values.ffi || startup.scripting?.ffi === true,
    privdrop: values.privdrop,
    plugins,
    hostname: startup.environment?.hostname ?? null,
    servers: app.resolver?.servers ?? [],
    keys: keysOf(startup, values.config),
    files,
    configs: new Map(
      [...pluginConfigs("smtpd.yaml", startup.plugins), ...pluginConfigs("smtpd-app.yaml", app.plugins)].map(
        ([id, text]) => [`plugin-config://${id}`, text],
      ),
    ),
    entrypoint: app.__entrypoint === undefined ? null : entryPointOf(app.__entrypoint),
  };
}

/** Standard input is read once: when it is the configuration, what it says is to be run is run. */
function fileOf(positionals: readonly string[], app: string | undefined): string | null {
  const [file = null, second] = positionals;
  if (second !== undefined) throw failure(`there is one script too many: ${second}`);
  return file === "-" && app === "-" ? null : file;
}

/** Statements end in ; or }, and names of files do not. */
function entryPointOf(text: string): EntryPoint {
  if (/[;}]\s*$/.test(text)) return { text: Buffer.from(text, "utf8").toString("latin1") };
  return { id: text.replace(/^file:(\/\/)?/, "") };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rootpath: { type: "string", short: "R" },
        ffi: { type: "boolean", default: false },
        binary: { type: "boolean", default: false },
        plugin: { type: "string", short: "p", multiple: true, default: [] },
        privdrop: { type: "boolean", default: false },
        config: { type: "string", short: "c" },
        app: { type: "string", short: "A" },
        C: { type: "string", short: "C" },
        help: { type: "boolean", short: "h", default: false },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw failure(describe(error));
  }
}

function readYaml<T extends z.ZodType>(path: string | undefined, schema: T): z.infer<T> {
  try {
    const text = path === undefined ? "{}" : readFileSync(path === "-" ? 0 : path, "utf8");
    return schema.parse(text.trim() === "" ? {} : (load(text) ?? {}));
  } catch (error) {
    throw failure(`${path}: ${describe(error)}`);
  }
}

function keysOf({ pki }: z.infer<typeof Startup>, config: string | undefined): KeyFiles[] {
  const folder = dirname(config ?? ".");
  return (pki?.private ?? []).map(({ id, key, cert }) => ({
    id,
    key: resolve(folder, key),
    cert: cert === undefined ? undefined : resolve(folder, cert),
  }));
}

function textOf(
  {
    id,
    data,
    path,
    binary,
  }: {
    readonly id: string;
    readonly data?: string | undefined;
    readonly path?: string | undefined;
    readonly binary: boolean;
  },
  app: string | undefined,
): string {
  if (data !== undefined) return Buffer.from(data, binary ? "base64" : "utf8").toString("latin1");
  if (path === undefined) return "";
  try {
    return readFileSync(resolve(dirname(app ?? "."), path), "latin1");
  } catch (error) {
    throw failure(`${app}: scripting.files.${id}: ${describe(error)}`);
  }
}

/** "/opt/x/sleep.so" is the plugin "sleep". */
function nameOf(path: string): string {
  return path.replace(/^.*\//, "").replace(/\.so$/, "");
}

function failure(text: string): Failure {
  return new Failure("usage", text, { transient: false });
}
