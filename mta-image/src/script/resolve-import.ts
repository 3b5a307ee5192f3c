/** What import statements put into a unit: names of another one, or data; part of the resolver. */
import type { Statement } from "./ast.ts";
import type { Host } from "./host.ts";
import { type Fn, Unit } from "./program.ts";
import type { Resolving } from "./resolving.ts";

type Import = Extract<Statement, { kind: "import" }>;

export function importNames(resolver: Resolving, fn: Fn, imported: Import & { from: Unit | Host }): void {
  const { from, path, namespace, names } = imported;
  const { report, host } = resolver.around;
  if (namespace !== null) fn.unit.namespaces.set(namespace, from);
  for (const { kind, name, as, at } of names) {
    if (kind === "function") {
      fn.unit.imported.set(as, { from, name, at });
      resolver.later(() => {
        if (fn.unit.find(as, host) === null) report(at, `${path} has no ${name}`);
      });
    } else if (from instanceof Unit) {
      from.shared.add(name);
      fn.unit.importedVariables.set(as, { from, name, at });
      if (from.main?.locals.has(name) !== true && !from.importedVariables.has(name))
        report(at, `${path} has no $${name}`);
    } else report(at, `${path} has no variables`);
  }
}

export function importData(resolver: Resolving, fn: Fn, imported: Import & { data: string }): void {
  const { at, data } = imported;
  const { files, around } = resolver;
  const [, kind = "", path = ""] = /^([a-z]+!)?([\s\S]*)$/.exec(imported.path) ?? [];
  fn.locals.add(data);
  const options = imported.options === null ? null : around.constant(imported.options);
  if (options === undefined) return around.report(at, "the options of an import are constants");
  const read = { kind, at, options };
  const value = path.includes("*") ? files.dataOfAll(path, read) : files.data(path, read);
  if (value !== undefined) fn.unit.data.set(data, value);
}
