/**
 * Commands that the pages show are ones that the programs understand: verbs, flags, kinds and fields of kubectl, the plugin's own
 * parser, targets of make, values of the chart, orders of mtactl; and every annotation, label and finalizer of ours that
 * a page names is one that the operator knows. What they do is shown by other tests.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { load } from "js-yaml";

import { mailClusterConditions, nativePluginConditions } from "#crds/conditions.ts";
import { definitions } from "#crds/definitions.ts";
import { annotations, finalizer, group, labels, pluginFinalizer, version } from "#crds/group.ts";
import { parseArguments, usage } from "#operator/kubectl-mailfleet/arguments.ts";
import { resources } from "#operator/kube/objects.ts";

import { commandsOf } from "./page-commands.ts";
import { listFiles, root } from "./tree.ts";

const read = (path: string): string => readFileSync(root + path, "utf8");
const pages = listFiles().filter((path) =>
  /^(?:docs\/(?!decisions\/).*\.md|README\.md|CONTRIBUTING\.md|(?:operator|e2e)\/README\.md|helm\/.*\/NOTES\.txt)$/.test(
    path,
  ),
);
const commands = pages.flatMap((page) => commandsOf(read(page)).map((words) => ({ page, words })));

/** Flags of kubectl for each verb that pages use, beside those for every verb. */
const EVERYWHERE = ["namespace", "n", "context", "kubeconfig"];
const VERBS: Readonly<Record<string, readonly string[]>> = {
  apply: ["f", "k", "server-side"],
  annotate: ["overwrite"],
  create: ["dry-run", "o", "from-file", "from-literal"],
  delete: ["all", "all-namespaces"],
  describe: [],
  drain: [],
  exec: [],
  get: ["o", "watch", "field-selector", "show-labels", "all-namespaces"],
  logs: ["previous"],
  patch: ["type", "p"],
  "port-forward": [],
  rollout: [],
  scale: ["replicas"],
  wait: ["for", "timeout"],
};
/** Verbs whose first word is a kind, with or without a name behind a slash. */
const OF_A_KIND: ReadonlySet<string> = new Set([
  "annotate",
  "delete",
  "describe",
  "get",
  "patch",
  "port-forward",
  "scale",
  "wait",
]);
const HELM = new Set(["install", "upgrade", "uninstall", "verify", "template", "lint", "repo", "package"]);

const kinds = new Set([
  ...Object.values(resources).flatMap(({ kind, plural }) => [kind.toLowerCase(), plural]),
  ...definitions.flatMap(({ spec }) => (spec["names"] as { shortNames: readonly string[] }).shortNames),
  ...["crd", "customresourcedefinition", "certificate", "hpa"],
]);
const conditions = new Set([...Object.keys(mailClusterConditions), ...Object.keys(nativePluginConditions)]);
const selectable = new Set(
  definitions.flatMap(({ spec }) => {
    const [first] = spec["versions"] as { selectableFields: readonly { jsonPath: string }[] }[];
    return first?.selectableFields.map(({ jsonPath }) => jsonPath.slice(1)) ?? [];
  }),
);
/** Of Events and of every object. */
const ANYWHERE = new Set(["reason", "type", "metadata.name", "metadata.namespace", "regarding.name"]);
const ownCommands = new Set([...usage.matchAll(/kubectl mailfleet ([a-z]+)/g)].map(([, word = ""]) => word));
const targets = new Set([...read("Makefile").matchAll(/^([a-z][-a-z0-9]*):/gm)].map(([, name = ""]) => name));
const values = load(read("helm/mailfleet/values.yaml")) as Record<string, unknown>;
const mtactl = new Set(
  listFiles()
    .filter((path) => /^mta-image\/src\/programs\/mtactl[^/]*\.ts$/.test(path) && !path.endsWith(".test.ts"))
    .flatMap((path) => [...read(path).matchAll(/\bmtactl ([a-z]+)/g)].map(([, word = ""]) => word)),
);

/** Empty: nothing is wrong. */
function problemsOf([program = "", ...words]: readonly string[]): readonly string[] {
  if (program === "make") return makeProblems(words);
  if (program === "mtactl") return mtactl.has(words[0] ?? "") ? [] : [`mtactl has no ${words[0]}`];
  if (program === "helm") return helmProblems(words);
  return words[0] === "mailfleet" ? ownProblems(words.slice(1)) : kubectlProblems(words);
}

function makeProblems(words: readonly string[]): readonly string[] {
  if (words[0] === "-C")
    return existsSync(`${root}${words[1]}/Makefile`) ? [] : [`no Makefile in ${words[1]}`];
  const named = words.filter((word) => !word.includes("=") && !word.startsWith("-"));
  return named.filter((word) => !targets.has(word)).map((word) => `make has no target ${word}`);
}

function helmProblems(words: readonly string[]): readonly string[] {
  const verb = HELM.has(words[0] ?? "") ? [] : [`helm ${words[0]} is none that is known here`];
  const set = words.flatMap((word, at) => (words[at - 1] === "--set" ? word.split(",") : []));
  const unknown = set.filter((pair) => !hasValue((pair.split("=")[0] ?? "").split(".")));
  return [...verb, ...unknown.map((pair) => `the chart has no value ${pair}`)];
}

function hasValue(path: readonly string[]): boolean {
  let value: unknown = values;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !(name in value)) return false;
    value = (value as Record<string, unknown>)[name];
  }
  return true;
}

/** Words in capitals stand for what readers put in; a command that is only named has nothing behind it. */
function ownProblems([word, ...rest]: readonly string[]): readonly string[] {
  if (word === undefined) return [];
  if (!ownCommands.has(word)) return [`kubectl mailfleet has no ${word}`];
  if (rest.length === 0) return [];
  const stand: Readonly<Record<string, string>> = {
    NAME: "out",
    SLOT: "2",
    "SLOT...": "2",
    N: "3",
    FILE: "f",
  };
  const { command } = parseArguments([word, ...rest.map((each) => stand[each] ?? each)]);
  return command.kind === "wrong" ? [command.message] : [];
}

function kubectlProblems(words: readonly string[]): readonly string[] {
  const at = words.findIndex(
    (word, i) => !word.startsWith("-") && !["-n", "--namespace"].includes(words[i - 1] ?? ""),
  );
  const [verb = "", ...rest] = words.slice(Math.max(at, 0));
  const flags = VERBS[verb];
  if (flags === undefined) return [`kubectl ${verb} is none that is known here`];
  const given = words.flatMap((word) => /^--?([a-z][-a-z]*)/.exec(word)?.[1] ?? []);
  const odd = given.filter((flag) => ![...flags, ...EVERYWHERE].includes(flag));
  const kind = (rest.find((word) => !word.startsWith("-")) ?? "").split("/")[0] ?? "";
  const isKnown = !OF_A_KIND.has(verb) || kind === "" || kinds.has(kind);
  return [
    ...odd.map((flag) => `kubectl ${verb} has no ${flag}`),
    ...(isKnown ? [] : [`there is no kind ${kind}`]),
    ...fieldProblems(words.join(" ")),
  ];
}

function fieldProblems(text: string): readonly string[] {
  const types = [...text.matchAll(/@\.type==([A-Za-z]+)/g)].map(([, type = ""]) => type);
  const fields = [...text.matchAll(/--field-selector[= ]([a-z.A-Z]+)/g)].map(([, field = ""]) => field);
  return [
    ...types.filter((type) => !conditions.has(type)).map((type) => `there is no condition ${type}`),
    ...fields
      .filter((field) => !selectable.has(field) && !ANYWHERE.has(field))
      .map((field) => `nothing can be selected by ${field}`),
  ];
}

describe("commands of the pages", () => {
  test("are found", () => assert.ok(commands.length > 60, String(commands.length)));

  test("are understood by their programs", () => {
    const found = commands.flatMap(({ page, words }) =>
      problemsOf(words).map((problem) => `${page}: ${words.join(" ")}: ${problem}`),
    );
    assert.deepEqual(found, []);
  });

  test("that do not exist would be found", () => {
    for (const [line, words] of [
      ["kubectl explode pod", /kubectl explode/],
      ["kubectl get mailfleets", /no kind mailfleets/],
      ["kubectl get pods --sorted", /no sorted/],
      ["kubectl get np --field-selector spec.colour=red", /spec\.colour/],
      [`kubectl get mc -o jsonpath='{[?(@.type=="Steady")]}'`, /no condition Steady/],
      ["kubectl mailfleet defend NAME", /no defend/],
      ["kubectl mailfleet scale NAME many", /number from 0 to 500/],
      ["helm install a b --set imagePolicy.denied=x", /no value imagePolicy\.denied/],
      ["make peace", /no target peace/],
      ["mtactl ponder", /no ponder/],
    ] as const) {
      const [command = []] = commandsOf(`\`${line}\``);
      assert.match(problemsOf(command).join("; "), words, line);
    }
  });

  test("of kubectl mailfleet are in the page on running a cluster, each of them", () => {
    const [, table = ""] = /## kubectl mailfleet\n([\s\S]*?)\n## /.exec(read("docs/operations.md")) ?? [];
    const told = new Set([...table.matchAll(/`([a-z]+)(?: [^`]*)?`/g)].map(([, word = ""]) => word));
    assert.deepEqual(
      [...ownCommands].filter((word) => !told.has(word)),
      [],
    );
  });
});

test("every name of ours that a page mentions is one that the operator knows", () => {
  const all = [...Object.values(annotations), ...Object.values(labels), finalizer, pluginFinalizer];
  const known = new Set([...all, `${group}/${version}`, `${group}/`]);
  const odd = pages.flatMap((page) =>
    [...read(page).matchAll(/(?<![\w.])mailfleet\.io\/[a-z0-9-]*/g)]
      .map(([name]) => name)
      .filter((name) => !known.has(name))
      .map((name) => `${page}: ${name}`),
  );
  assert.deepEqual(odd, []);
});
