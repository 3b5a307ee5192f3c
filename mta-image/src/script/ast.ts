/**
 * The syntax tree. Every node says where it begins (`at`, see source.ts). Names stand without `$`. The tree keeps
 * what was written; meaning is added by resolve.ts in tables beside it, never in the nodes.
 */
export interface Node {
  readonly at: number;
}

export type Expression =
  | (Node & { readonly kind: "literal"; readonly value: null | boolean | number | string })
  | (Node & { readonly kind: "interpolated"; readonly parts: readonly (string | Variable)[] })
  | (Node & { readonly kind: "regex"; readonly pattern: string; readonly flags: string })
  | Variable
  | (Node & { readonly kind: "name"; readonly name: string; readonly builtin: boolean })
  | (Node & {
      readonly kind: "scoped";
      readonly scope: string;
      readonly name: string;
      readonly variable: boolean;
    })
  | (Node & { readonly kind: "array"; readonly items: readonly ArrayItem[] })
  | (Node & { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression })
  | (Node & {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Node & {
      readonly kind: "logical";
      readonly operator: "and" | "or" | "??" | "?:";
      readonly left: Expression;
      readonly right: Expression;
    })
  | (Node & {
      readonly kind: "conditional";
      readonly test: Expression;
      readonly chosen: Expression;
      readonly otherwise: Expression;
    })
  /** `operator` is null for plain assignment. */
  | (Node & {
      readonly kind: "assign";
      readonly operator: BinaryOperator | "??" | null;
      readonly target: Expression;
      readonly value: Expression;
    })
  | (Node & {
      readonly kind: "step";
      readonly by: 1 | -1;
      readonly prefix: boolean;
      readonly target: Expression;
    })
  | (Node & { readonly kind: "call"; readonly callee: Expression; readonly args: readonly Argument[] })
  /** `index` is null in `$a[]`. */
  | (Node & { readonly kind: "index"; readonly base: Expression; readonly index: Expression | null })
  | (Node & { readonly kind: "path"; readonly base: Expression; readonly path: Expression })
  | (Node & {
      readonly kind: "slice";
      readonly base: Expression;
      readonly from: Expression | null;
      readonly to: Expression | null;
      readonly step: Expression | null;
    })
  | (Node & { readonly kind: "member"; readonly base: Expression; readonly name: string })
  | (Node & { readonly kind: "function"; readonly declaration: FunctionNode })
  | (Node & {
      readonly kind: "match";
      readonly subject: Expression;
      readonly arms: readonly {
        readonly values: readonly Expression[] | null;
        readonly result: Expression;
      }[];
    })
  | (Node & { readonly kind: "cache"; readonly options: Expression | null; readonly call: Expression })
  | (Node & { readonly kind: "yield"; readonly key: Expression | null; readonly value: Expression | null })
  | (Node & { readonly kind: "this" });

export type Variable = Node & { readonly kind: "variable"; readonly name: string };
export type CallExpression = Extract<Expression, { kind: "call" }>;

export type UnaryOperator = "-" | "+" | "not" | "~";
export type BinaryOperator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "**"
  | "."
  | "&"
  | "|"
  | "^"
  | "<<"
  | ">>"
  | ">>>"
  | "=="
  | "!="
  | "==="
  | "!=="
  | "<"
  | ">"
  | "<="
  | ">="
  | "=~"
  | "!~";

export interface Argument extends Node {
  readonly value: Expression;
  readonly spread: boolean;
}

/** `$c = 3` in a destructuring pattern is an assign expression as the value. */
export interface ArrayItem extends Node {
  readonly key: Expression | null;
  readonly value: Expression;
  readonly spread: boolean;
}

export interface ParameterNode extends Node {
  readonly name: string;
  readonly fallback: Expression | null;
  readonly rest: boolean;
}

export interface FunctionNode extends Node {
  /** null for closures. */
  readonly name: string | null;
  readonly parameters: readonly ParameterNode[];
  readonly captures: readonly Variable[];
  readonly body: readonly Statement[];
  /** Set when the body yields: a call gives an iterator. */
  readonly generator: boolean;
}

export interface ClassNode extends Node {
  readonly name: string;
  readonly properties: readonly PropertyNode[];
  readonly constructorFunction: FunctionNode | null;
  readonly methods: readonly MethodNode[];
}

export interface PropertyNode extends Node {
  readonly name: string;
  readonly value: Expression | null;
  readonly isStatic: boolean;
  readonly access: "public" | "private" | "readonly";
}

export interface MethodNode extends Node {
  readonly declaration: FunctionNode;
  readonly isStatic: boolean;
  readonly access: "public" | "private";
}

export type ImportName = {
  readonly kind: "function" | "variable";
  readonly name: string;
  readonly as: string;
  readonly at: number;
};

export type Statement =
  | (Node & { readonly kind: "expression"; readonly value: Expression })
  | (Node & { readonly kind: "echo"; readonly value: Expression })
  | (Node & {
      readonly kind: "if";
      readonly test: Expression;
      readonly chosen: Statement;
      readonly otherwise: Statement | null;
    })
  | (Node & {
      readonly kind: "for";
      readonly start: readonly Expression[];
      readonly test: Expression | null;
      readonly step: readonly Expression[];
      readonly body: Statement;
    })
  | (Node & {
      readonly kind: "foreach";
      readonly subject: Expression;
      readonly key: Expression | null;
      readonly value: Expression;
      readonly body: Statement;
    })
  /** `test` is null for forever. */
  | (Node & { readonly kind: "while"; readonly test: Expression | null; readonly body: Statement })
  | (Node & {
      readonly kind: "switch";
      readonly subject: Expression;
      readonly cases: readonly { readonly test: Expression | null; readonly body: readonly Statement[] }[];
    })
  | (Node & { readonly kind: "break" | "continue" })
  | (Node & { readonly kind: "return"; readonly value: Expression | null })
  | (Node & { readonly kind: "throw"; readonly value: Expression })
  | (Node & {
      readonly kind: "try";
      readonly body: readonly Statement[];
      readonly variable: Variable | null;
      readonly handler: readonly Statement[];
    })
  | (Node & { readonly kind: "block"; readonly body: readonly Statement[] })
  | (Node & { readonly kind: "global"; readonly names: readonly Variable[] })
  | (Node & {
      readonly kind: "barrier";
      readonly name: Expression;
      readonly shared: Variable | null;
      readonly body: readonly Statement[];
    })
  | (Node & { readonly kind: "include"; readonly path: string; readonly once: boolean })
  | (Node & {
      readonly kind: "import";
      readonly path: string;
      readonly names: readonly ImportName[];
      /** `import * as ns`. */
      readonly namespace: string | null;
      /** `import $v`. */
      readonly data: string | null;
      readonly options: Expression | null;
    })
  | (Node & { readonly kind: "function"; readonly declaration: FunctionNode })
  | (Node & { readonly kind: "class"; readonly declaration: ClassNode })
  | (Node & { readonly kind: "empty" });
