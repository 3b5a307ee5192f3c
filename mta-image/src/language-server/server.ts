/**
 * The language server over a connection to an editor: diagnostics at every change, completion, hover, definition and
 * formatting. All of it comes from the language's own lexer, parser and resolver. Files that are not open are read through
 * the loader that is handed in. Never fails; what is not known is answered with nothing.
 */
import {
  type CompletionItem,
  CompletionItemKind,
  type Connection,
  DiagnosticSeverity,
  type InitializeParams,
  type InitializeResult,
  type Location,
  MarkupKind,
  TextDocumentSyncKind,
  TextDocuments,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";

import type { Diagnostic, Place } from "../script/error.ts";
import type { Host } from "../script/host.ts";
import type { Loader } from "../script/module.ts";
import { Sources } from "../script/source.ts";
import { type Analysis, analyse, meaningAt, tokenAt } from "./analysis.ts";
import { type Completion, complete } from "./complete.ts";
import { define } from "./define.ts";
import { describe } from "./describe.ts";
import { format } from "./format.ts";
import { type EditorPosition, offsetOf, positionOf } from "./positions.ts";
import { Workspace, bytes } from "./workspace.ts";

const kinds: Readonly<Record<Completion["kind"], CompletionItemKind>> = {
  variable: CompletionItemKind.Variable,
  function: CompletionItemKind.Function,
  method: CompletionItemKind.Method,
  class: CompletionItemKind.Class,
  keyword: CompletionItemKind.Keyword,
};

/** `library` is what scripts may call beside the actions of their hook. */
export function serve(connection: Connection, library: Host, fromDisk: (root: string) => Loader): void {
  const server = new LanguageServer(connection, (root) => new Workspace(root, library, fromDisk));
  server.listen();
}

class LanguageServer {
  readonly #connection: Connection;
  readonly #workspaceAt: (root: string | null) => Workspace;
  readonly #documents = new TextDocuments(TextDocument);
  readonly #analyses = new Map<string, { readonly version: number; readonly analysis: Analysis }>();
  #workspace: Workspace;

  constructor(connection: Connection, workspaceAt: (root: string | null) => Workspace) {
    this.#connection = connection;
    this.#workspaceAt = workspaceAt;
    this.#workspace = workspaceAt(null);
  }

  listen(): void {
    const connection = this.#connection;
    const documents = this.#documents;
    connection.onInitialize((params) => this.#initialize(params));
    connection.onCompletion(({ textDocument, position }) => this.#complete(textDocument.uri, position));
    connection.onHover(({ textDocument, position }) => this.#hover(textDocument.uri, position));
    connection.onDefinition(({ textDocument, position }) => this.#define(textDocument.uri, position));
    connection.onDocumentFormatting(({ textDocument }) => this.#format(textDocument.uri));
    documents.onDidChangeContent(({ document }) => this.#changed(document));
    documents.onDidClose(({ document }) => this.#closed(document.uri));
    documents.listen(connection);
    connection.listen();
  }

  #initialize({ rootUri, workspaceFolders }: InitializeParams): InitializeResult {
    this.#workspace = this.#workspaceAt(workspaceFolders?.[0]?.uri ?? rootUri ?? null);
    return {
      capabilities: {
        textDocumentSync: TextDocumentSyncKind.Incremental,
        completionProvider: { triggerCharacters: ["$", ">", ":"] },
        hoverProvider: true,
        definitionProvider: true,
        documentFormattingProvider: true,
      },
    };
  }

  #changed(document: TextDocument): void {
    this.#workspace.open(document.uri, document.getText());
    this.#diagnoseAll();
  }

  /** Other open files may import one that has changed. */
  #diagnoseAll(): void {
    this.#analyses.clear();
    for (const { uri } of this.#documents.all()) this.#diagnose(uri);
  }

  #closed(uri: string): void {
    this.#workspace.close(uri);
    void this.#connection.sendDiagnostics({ uri, diagnostics: [] });
    this.#diagnoseAll();
  }

  #diagnose(uri: string): void {
    const analysis = this.#analysis(uri);
    const text = this.#text(uri);
    void this.#connection.sendDiagnostics({
      uri,
      diagnostics: analysis.diagnostics.map((one) => {
        const start = positionOf(text, placeWithin(analysis.id, one));
        const end = { line: start.line, character: start.character + 1 };
        return {
          range: { start, end },
          message: utf8(one.file === analysis.id ? one.message : wholeText(one)),
          severity: DiagnosticSeverity.Error,
          source: "hsl",
        };
      }),
    });
  }

  #analysis(uri: string): Analysis {
    const version = this.#documents.get(uri)?.version ?? 0;
    const known = this.#analyses.get(uri);
    if (known?.version === version) return known.analysis;
    const workspace = this.#workspace;
    const analysis = analyse(
      workspace.idOf(uri),
      workspace.text(uri),
      workspace.hostFor(uri),
      workspace.loader(uri),
    );
    this.#analyses.set(uri, { version, analysis });
    return analysis;
  }

  #text(uri: string): string {
    return this.#documents.get(uri)?.getText() ?? "";
  }

  #complete(uri: string, position: EditorPosition): CompletionItem[] {
    const found = complete(this.#analysis(uri), offsetOf(this.#text(uri), position));
    return found.map(({ label, kind, detail, docs }) => ({
      label,
      kind: kinds[kind],
      ...(detail === "" ? {} : { detail }),
      ...(docs === "" ? {} : { documentation: docs }),
    }));
  }

  #hover(uri: string, position: EditorPosition) {
    const analysis = this.#analysis(uri);
    const meaning = meaningAt(analysis, tokenAt(analysis, offsetOf(this.#text(uri), position)));
    const text = meaning === null ? null : describe(analysis, meaning);
    return text === null ? null : { contents: { kind: MarkupKind.Markdown, value: text } };
  }

  #define(uri: string, position: EditorPosition): Location[] {
    const analysis = this.#analysis(uri);
    const index = tokenAt(analysis, offsetOf(this.#text(uri), position));
    const meaning = meaningAt(analysis, index);
    if (meaning === null) return [];
    return define(analysis, meaning, index).flatMap((place) => this.#location(uri, analysis, place));
  }

  #location(uri: string, { id }: Analysis, place: Place): Location[] {
    const target = place.file === id ? uri : this.#workspace.uriOf(place.file, uri);
    const loaded = this.#workspace.loader(uri).load(place.file);
    const text =
      place.file === id ? this.#text(uri) : loaded !== null && "text" in loaded ? utf8(loaded.text) : null;
    if (text === null) return [];
    const start = positionOf(text, place);
    return [{ uri: target, range: { start, end: start } }];
  }

  #format(uri: string) {
    const text = this.#text(uri);
    const formatted = format(new Sources().add(uri, bytes(text)), () => undefined);
    if (formatted === null) return [];
    const end = { line: text.split("\n").length, character: 0 };
    return [{ range: { start: { line: 0, character: 0 }, end }, newText: utf8(formatted) }];
  }
}

/** What is wrong in another file is shown where this one brings it in. */
function placeWithin(id: string, { path, ...place }: Diagnostic): Place {
  return [place, ...path].find(({ file }) => file === id) ?? { file: id, line: 1, column: 1 };
}

function wholeText({ file, line, column, message }: Diagnostic): string {
  return `${file}:${line}:${column}: ${message}`;
}

function utf8(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}
