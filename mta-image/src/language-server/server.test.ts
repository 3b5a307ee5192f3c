/** The server as an editor meets it: the program, over its standard input and output. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  createMessageConnection,
} from "vscode-languageserver/node";

const root = mkdtempSync(join(tmpdir(), "hsl-workspace-"));
const uriOf = (path: string): string => pathToFileURL(join(root, path)).href;
let child: ChildProcess;
let editor: MessageConnection;
const heard = new Map<string, (diagnostics: { message: string; range: { start: unknown } }[]) => void>();

before(async () => {
  mkdirSync(join(root, "src/files"), { recursive: true });
  mkdirSync(join(root, "src/hooks/connect"), { recursive: true });
  writeFileSync(
    join(root, "src/files/lib.hsl"),
    "// å\nfunction greet($name, $loud = false) { return $name; }\n",
  );
  const program = fileURLToPath(new URL("../programs/hsl-language-server.ts", import.meta.url));
  child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], { stdio: "pipe" });
  assert.ok(child.stdin !== null && child.stdout !== null);
  editor = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  editor.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }) =>
    heard.get(uri)?.(diagnostics),
  );
  editor.listen();
  await editor.sendRequest("initialize", {
    processId: null,
    rootUri: pathToFileURL(root).href,
    capabilities: {},
  });
  await editor.sendNotification("initialized", {});
});

after(() => {
  editor.dispose();
  child.kill();
  rmSync(root, { recursive: true });
});

/** Opens a text in the editor; gives what the server finds wrong. */
function open(path: string, text: string): Promise<string[]> {
  const uri = uriOf(path);
  return new Promise((resolve) => {
    heard.set(uri, (diagnostics) =>
      resolve(diagnostics.map(({ message, range }) => `${JSON.stringify(range.start)} ${message}`)),
    );
    void editor.sendNotification("textDocument/didOpen", {
      textDocument: { uri, languageId: "hsl", version: 1, text },
    });
  });
}

const at = (path: string, line: number, character: number) => ({
  textDocument: { uri: uriOf(path) },
  position: { line, character },
});

test("what is wrong is told with its place, and files import others of the workspace", async () => {
  const text = 'import { greet } from "lib.hsl";\necho "åä" . nothing(greet("x"));\n';
  assert.deepEqual(await open("src/files/a.hsl", text), [
    '{"line":1,"character":12} there is no function nothing',
  ]);
});

test("a script of a hook has that hook's actions and variables", async () => {
  assert.deepEqual(await open("src/hooks/connect/c.hsl", 'if ($arguments["remoteip"]) Accept();'), []);
  const [problem = ""] = await open("src/files/no-hook.hsl", "Accept();");
  assert.match(problem, /there is no function Accept/);
});

test("hover tells signature and sentence of functions, methods and what is imported", async () => {
  const text =
    'import { greet } from "lib.hsl";\necho str_find("a", greet("b"));\n$m = MIME()->setBody("x");\n';
  await open("src/files/h.hsl", text);
  const hover = async (line: number, character: number): Promise<string> =>
    (
      (await editor.sendRequest("textDocument/hover", at("src/files/h.hsl", line, character))) as {
        contents: { value: string };
      }
    ).contents.value;
  assert.match(await hover(1, 7), /str_find\(string \$string[\s\S]*Position of the first occurrence/);
  assert.match(await hover(1, 21), /greet\(\$name, \$loud = …\)/);
  assert.match(await hover(2, 15), /MIME->setBody\(string \$body\): MIME/);
});

test("definitions lead to functions of other files, to variables and to files", async () => {
  const text =
    'import { greet } from "lib.hsl";\n$a = 1;\nfunction f($b) { return $b . greet($b); }\necho $a;\n';
  await open("src/files/d.hsl", text);
  const define = async (line: number, character: number) =>
    (
      (await editor.sendRequest("textDocument/definition", at("src/files/d.hsl", line, character))) as {
        uri: string;
        range: { start: { line: number; character: number } };
      }[]
    ).map(
      ({ uri, range: { start } }) =>
        `${uri.slice(uri.lastIndexOf("/") + 1)} ${start.line}:${start.character}`,
    );
  assert.deepEqual(await define(2, 31), ["lib.hsl 1:0"]);
  assert.deepEqual(await define(2, 26), ["d.hsl 2:11"]);
  assert.deepEqual(await define(3, 6), ["d.hsl 1:0"]);
  assert.deepEqual(await define(0, 25), ["lib.hsl 0:0"]);
});

test("completion offers variables, methods, static methods and names where each may stand", async () => {
  const text = "$alpha = 1;\n$\nMIME()->;\nMailMessage::;\nstr_\n";
  await open("src/files/k.hsl", text);
  const labels = async (line: number, character: number): Promise<string[]> =>
    (
      (await editor.sendRequest("textDocument/completion", at("src/files/k.hsl", line, character))) as {
        label: string;
      }[]
    ).map(({ label }) => label);
  assert.ok((await labels(1, 1)).includes("$alpha"));
  assert.ok((await labels(2, 8)).includes("signDKIM"));
  assert.deepEqual(await labels(3, 13), ["String", "File"]);
  const names = await labels(4, 4);
  for (const name of ["str_find", "foreach", "MIME"]) assert.ok(names.includes(name), name);
});

test("positions count UTF-16 units, however many bytes and characters stand before them", async () => {
  const text = '$a = "😀å"; echo "😀" . nothing(str_lower("😀" . $a));\n';
  const path = "src/files/emoji.hsl";
  assert.deepEqual(await open(path, text), ['{"line":0,"character":24} there is no function nothing']);
  const ask = (method: string, character: number): Promise<unknown> =>
    editor.sendRequest(`textDocument/${method}`, at(path, 0, character));
  assert.match(JSON.stringify(await ask("hover", 35)), /str_lower\(string/);
  assert.deepEqual(
    ((await ask("definition", 50)) as { range: { start: unknown } }[]).map(({ range }) => range.start),
    [{ line: 0, character: 0 }],
  );
  const [edit] = (await editor.sendRequest("textDocument/formatting", {
    textDocument: { uri: uriOf(path) },
    options: { tabSize: 2, insertSpaces: true },
  })) as { newText: string }[];
  assert.equal(edit?.newText, text.replace("; echo", ";\necho"));
});

test("what is wrong in another file is told where it is brought in", async () => {
  writeFileSync(join(root, "src/files/broken.hsl"), "\nfunction g() { nothing(); }");
  writeFileSync(join(root, "src/files/between.hsl"), 'import { g } from "./broken.hsl";');
  assert.deepEqual(await open("src/files/user.hsl", '$a = 1;\n  include "between.hsl";\n'), [
    '{"line":1,"character":2} broken.hsl:2:16: there is no function nothing',
  ]);
});

test("a file that is closed unsaved is again what the disk has, for those that import it", async () => {
  writeFileSync(join(root, "src/files/draft.hsl"), "function old() {}");
  await open("src/files/draft.hsl", "function fresh() {}");
  const user = "src/files/of-draft.hsl";
  assert.deepEqual(await open(user, 'import { fresh } from "draft.hsl"; fresh();'), []);
  const told = new Promise<string[]>((resolve) =>
    heard.set(uriOf(user), (diagnostics) => resolve(diagnostics.map(({ message }) => message))),
  );
  await editor.sendNotification("textDocument/didClose", {
    textDocument: { uri: uriOf("src/files/draft.hsl") },
  });
  assert.deepEqual(await told, ["draft.hsl has no fresh", "there is no function fresh"]);
});

test("what engines and plugins add is no mistake, and the folder of a hook says which it is", async () => {
  const text = `
    import { geoip } from "extras://maxmind-geoip";
    echo geoip("192.0.2.1"); echo spamhaus("ip", "192.0.2.1"); echo FFI("libc.so.6")->symbol("puts");
  `;
  assert.deepEqual(await open("src/files/more.hsl", text), []);
  assert.deepEqual(
    await open("src/hooks/eod/connect.hsl", '$arguments["mail"]->queue("", "a@b.c", "t");'),
    [],
  );
  assert.deepEqual(await open("src/hooks/queue/predelivery.hsl", "Try();"), []);
});

test("broken sources are answered, whatever is asked about them", async () => {
  const sources = [
    "",
    "\u0000\u0001\ufffd",
    "(".repeat(20_000),
    "$a = [1, 2",
    'echo "no end',
    "''",
    "/* no end",
    "function f( {",
    "class C { function",
    'import { f } from "odd.hsl"; f();',
    'include "odd.hsl";',
    'import $x from "yaml!lib.hsl" with ["a" => f()];',
    "$x->",
    "C::",
    "}".repeat(1000),
    "nothing();".repeat(5000),
  ];
  const where = [0, 1, 5, 1000].map((character) => at("src/files/odd.hsl", 0, character));
  for (const text of sources) {
    const told = await open("src/files/odd.hsl", text);
    assert.ok(told.length <= 100, text.slice(0, 20));
    for (const method of ["completion", "hover", "definition"])
      for (const place of where) await editor.sendRequest(`textDocument/${method}`, place);
  }
});

test("formatting is that of hsl-format", async () => {
  await open("src/files/f.hsl", "$a=1;echo 'å';");
  await open("src/files/f.hsl", "$a=''å'';echo 2;");
  const [edit] = (await editor.sendRequest("textDocument/formatting", {
    textDocument: { uri: uriOf("src/files/f.hsl") },
    options: { tabSize: 2, insertSpaces: true },
  })) as { newText: string }[];
  assert.equal(edit?.newText, "$a = ''å'';\necho 2;\n");
});
