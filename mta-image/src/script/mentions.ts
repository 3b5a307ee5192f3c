/** Which variables the parts of a function's body name. Each part is looked into once, however many variables there are. Pure. */
import type { Expression, Statement } from "./ast.ts";
import { children, expressionsOf } from "./walk.ts";

interface Mention {
  readonly first: Statement;
  /** Whether statements behind the first name it, too. */
  readonly isAgain: boolean;
}

type Block = readonly Statement[];
type Names = ReadonlySet<string>;

export class Mentions {
  /** By the statement where it is the only one: `children` makes a new list for it each time. */
  readonly #blocks = new Map<Block | Statement, ReadonlyMap<string, Mention>>();
  readonly #own = new Map<Statement, ReadonlyMap<string, Expression>>();
  readonly #expressions = new Map<Expression, Names>();

  /** By variable: where in the block it is named first. */
  of(block: Block): ReadonlyMap<string, Mention> {
    const [only] = block;
    return remembered(this.#blocks, block.length === 1 && only !== undefined ? only : block, () => {
      const found = new Map<string, Mention>();
      for (const statement of block)
        for (const names of this.#within(statement))
          for (const name of names.keys()) {
            const first = found.get(name)?.first ?? statement;
            found.set(name, { first, isAgain: first !== statement });
          }
      return found;
    });
  }

  /** By variable: the first of the statement's own expressions, those of its bodies left out, that names it. */
  own(statement: Statement): ReadonlyMap<string, Expression> {
    return remembered(this.#own, statement, () => {
      const found = new Map<string, Expression>();
      for (const expression of expressionsOf(statement))
        for (const name of this.in(expression)) if (!found.has(name)) found.set(name, expression);
      return found;
    });
  }

  in(expression: Expression): Names {
    return remembered(this.#expressions, expression, () => {
      const found = new Set<string>();
      collect(expression, found);
      return found;
    });
  }

  #within(statement: Statement): readonly ReadonlyMap<string, unknown>[] {
    return [this.own(statement), ...children(statement).map((block) => this.of(block))];
  }
}

function remembered<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** What a pattern names is left out: nobody asks for variables that patterns store to. */
function collect(node: Expression, found: Set<string>): void {
  if (node.kind === "variable") found.add(node.name);
  if (node.kind === "interpolated")
    for (const part of node.parts) if (typeof part !== "string") found.add(part.name);
  for (const inner of expressionsOf(node)) collect(inner, found);
}
