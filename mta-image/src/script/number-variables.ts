/**
 * Local variables that are numbers whenever they are read: all that is ever stored in them is a number, and the first thing
 * that happens to them is such a store. The emitter leaves out the checks of their type, which V8 cannot leave out by itself
 * in a loop that it compiles while it runs. Pure; a variable in doubt is none of them.
 */
import type { Expression, Statement } from "./ast.ts";
import { Mentions } from "./mentions.ts";
import type { Fn } from "./program.ts";
import { staticType } from "./static-type.ts";
import { children, expressionsOf } from "./walk.ts";

const none: ReadonlySet<string> = new Set();

/** Names as in the source. */
export function numberVariables(fn: Fn): ReadonlySet<string> {
  const stores = new Map<string, Expression[]>();
  const spoiled = new Set<string>([...fn.globals, ...fn.captured]);
  for (const { name } of [...fn.node.parameters, ...fn.node.captures]) spoiled.add(name);
  if (!collect(fn.node.body, stores, spoiled)) return none;
  const mentions = new Mentions();
  const begins = (name: string): boolean => beginsWithStore(name, fn.node.body, mentions);
  const numbers = new Set(
    [...stores.keys()].filter((name) => fn.locals.has(name) && !spoiled.has(name) && begins(name)),
  );
  // Each may rest on others: what falls takes those with it.
  for (let before = -1; before !== numbers.size; ) {
    before = numbers.size;
    for (const name of numbers) {
      const all = stores.get(name) ?? [];
      if (!all.every((value) => staticType(value, numbers) === "number")) numbers.delete(name);
    }
  }
  return numbers;
}

/** False when the body has something that is not looked into. */
function collect(
  body: readonly Statement[],
  stores: Map<string, Expression[]>,
  spoiled: Set<string>,
): boolean {
  return body.every((statement) => {
    if (["include", "import", "barrier"].includes(statement.kind)) return false;
    if (statement.kind === "foreach") {
      if (statement.key !== null) spoil(statement.key, spoiled);
      spoil(statement.value, spoiled);
    }
    if (statement.kind === "try" && statement.variable !== null) spoil(statement.variable, spoiled);
    for (const expression of expressionsOf(statement)) note(expression, stores, spoiled);
    return children(statement).every((inner) => collect(inner, stores, spoiled));
  });
}

function note(node: Expression, stores: Map<string, Expression[]>, spoiled: Set<string>): void {
  if (node.kind === "assign") {
    const { target, operator, value, at } = node;
    if (target.kind !== "variable" || operator === "??") spoil(target, spoiled);
    else {
      const stored: Expression =
        operator === null ? value : { kind: "binary", operator, left: target, right: value, at };
      listOf(target.name, stores).push(stored);
    }
  }
  if (node.kind === "step" && node.target.kind !== "variable") spoil(node.target, spoiled);
  if (node.kind === "call" && node.callee.kind === "name" && node.callee.name === "unset")
    for (const { value } of node.args) spoil(value, spoiled);
  for (const inner of expressionsOf(node)) note(inner, stores, spoiled);
}

function listOf(name: string, stores: Map<string, Expression[]>): Expression[] {
  const list = stores.get(name) ?? [];
  stores.set(name, list);
  return list;
}

/** Every variable that a pattern or a place names. */
function spoil(target: Expression, spoiled: Set<string>): void {
  if (target.kind === "variable") spoiled.add(target.name);
  // A pattern within a pattern is no expression of it; any other target is, and looked into twice a level it would take forever.
  if (target.kind === "assign" && target.target.kind === "array") spoil(target.target, spoiled);
  for (const inner of expressionsOf(target)) spoil(inner, spoiled);
}

/** Whether the first that is heard of the variable is a store, in the innermost block that names it. */
function beginsWithStore(name: string, body: readonly Statement[], mentions: Mentions): boolean {
  const mention = mentions.of(body).get(name);
  if (mention === undefined) return true;
  const { first, isAgain } = mention;
  const expression = mentions.own(first).get(name);
  if (expression !== undefined) return isOpening(expression, first) && isStore(name, expression, mentions);
  if (isAgain || first.kind === "switch") return false;
  const [only, ...others] = children(first).filter((block) => mentions.of(block).has(name));
  return only !== undefined && others.length === 0 && beginsWithStore(name, only, mentions);
}

/** What runs first, and always, when the statement does. */
function isOpening(expression: Expression, statement: Statement): boolean {
  return (
    statement.kind === "expression" ||
    (statement.kind === "for" && expression !== statement.test && !statement.step.includes(expression))
  );
}

function isStore(name: string, node: Expression, mentions: Mentions): boolean {
  return (
    node.kind === "assign" &&
    node.operator === null &&
    node.target.kind === "variable" &&
    node.target.name === name &&
    !mentions.in(node.value).has(name)
  );
}
