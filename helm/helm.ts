/**
 * Runs helm for the chart's test and for `make chart-lint`. The program is looked for on the
 * PATH, then where `go install` and the set-up put it; when there is none the error says which command builds it.
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";

import { run } from "../e2e/peers/shell.ts";
import { root } from "../tools/tree.ts";

/** What a helm that is built from its module takes for the cluster's version is far too old. */
export const kubeVersion = ["--kube-version", "1.36.0"] as const;

export const chart = `${root}helm/mailfleet`;

export function findProgram(name: string): string {
  const cache = process.env["MAILFLEET_CACHE"] ?? `${homedir()}/.cache/mailfleet`;
  const folders = [...(process.env["PATH"] ?? "").split(":"), `${cache}/bin`, `${homedir()}/go/bin`];
  const found = folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is not installed; run: make setup`);
  return found;
}

/** What the chart becomes with a file of values. */
export function render(valuesFile: string): Promise<string> {
  const names = ["template", "mailfleet", chart, "--namespace", "mailfleet-system", ...kubeVersion];
  return run(findProgram("helm"), [...names, "--values", valuesFile]);
}
