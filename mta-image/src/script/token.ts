/**
 * Tokens. A word is any name; whether it is a keyword is the parser's question, which keeps the lexer free of
 * grammar. Strings carry their parts: texts and the variables between them.
 */
export type Token =
  | { readonly kind: "end"; readonly at: number; readonly end: number }
  | {
      readonly kind: "word" | "variable" | "sign";
      readonly text: string;
      readonly at: number;
      readonly end: number;
    }
  | { readonly kind: "number"; readonly value: number; readonly at: number; readonly end: number }
  | {
      readonly kind: "string";
      readonly parts: readonly StringPart[];
      readonly at: number;
      readonly end: number;
    }
  | {
      readonly kind: "regex";
      readonly pattern: string;
      readonly flags: string;
      readonly at: number;
      readonly end: number;
    };

export type StringPart = string | { readonly variable: string; readonly at: number };

/** Longest first, so that the first that fits is the right one. */
export const signs = [
  "===",
  "!==",
  ">>>",
  "<<=",
  ">>=",
  "**=",
  "??=",
  "...",
  "==",
  "!=",
  "<=",
  ">=",
  "=~",
  "!~",
  "=>",
  "->",
  "::",
  "?:",
  "??",
  "++",
  "--",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  ".=",
  "&=",
  "|=",
  "^=",
  "**",
  "<<",
  ">>",
  "+",
  "-",
  "*",
  "/",
  "%",
  ".",
  "=",
  "<",
  ">",
  "!",
  "~",
  "&",
  "|",
  "^",
  "?",
  ":",
  ";",
  ",",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
] as const;

export const keywords: ReadonlySet<string> = new Set(
  (
    "if else for foreach as while forever break continue return switch case default match try catch throw echo barrier " +
    "function closure global include include_once import from with cache object builtin static class constructor " +
    "private readonly yield and or not true false none"
  ).split(" "),
);

/** Words the language keeps for later; as names they are refused. */
export const reserved: ReadonlySet<string> = new Set(
  (
    "this self public protected struct clone final const goto namespace new interface in extends print trait assert " +
    "finally lambda pass destroy export use"
  ).split(" "),
);
