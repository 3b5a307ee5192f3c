/** Command line and environment of smtpd to one value; nothing else reads them. */
import { parseArgs } from "node:util";

export interface Options {
  readonly mode: "run" | "check" | "version" | "help";
  readonly configPath: string;
  readonly pushedFolder: string | null;
}

export const usage = `smtpd: the Mailfleet mail transfer agent

  smtpd -c smtpd.yaml             run in the foreground
  smtpd -c smtpd.yaml --check     check the configuration and end

  -c, --config FILE    smtpd.yaml (default /etc/halon/smtpd.yaml)
      --pushed FOLDER  keep configuration that is pushed through the admin API here
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
      check: { type: "boolean", default: false },
      version: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const mode = values.help ? "help" : values.version ? "version" : values.check ? "check" : "run";
  return { mode, configPath: values.config, pushedFolder: values.pushed ?? null };
}
