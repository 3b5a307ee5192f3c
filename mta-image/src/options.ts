/** Command line and environment of smtpd to one value; nothing else reads them. */
import { isIP } from "node:net";
import { parseArgs } from "node:util";

export interface Options {
  readonly mode: "run" | "check" | "version" | "help";
  readonly configPath: string;
  readonly pushedFolder: string | null;
  /** The one of the exclusive addresses that this engine may connect from. */
  readonly identity: string | null;
}

export const usage = `smtpd: the Mailfleet mail transfer agent

  smtpd -c smtpd.yaml             run in the foreground
  smtpd -c smtpd.yaml --check     check the configuration and end

  -c, --config FILE    smtpd.yaml (default /etc/halon/smtpd.yaml)
      --pushed FOLDER  keep configuration that is pushed through the admin API here
      --identity ADDRESS  of the exclusive addresses of a cluster, the one to connect from
      --check          check the configuration, print its problems, end
      --version        print the version
  -h, --help           print this

Signals: SIGTERM and SIGINT end in order, SIGHUP reloads.
`;

/** Throws TypeError with a sentence for the user. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: "string", short: "c", default: "/etc/halon/smtpd.yaml" },
      pushed: { type: "string" },
      identity: { type: "string" },
      check: { type: "boolean", default: false },
      version: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const mode = values.help ? "help" : values.version ? "version" : values.check ? "check" : "run";
  const { config, pushed = null, identity = null } = values;
  if (identity !== null && isIP(identity) === 0)
    throw new TypeError(`--identity ${identity.slice(0, 100)}: an IPv4 or IPv6 address is needed`);
  return { mode, configPath: config, pushedFolder: pushed, identity };
}
