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

test("formatting is that of hsl-format", async () => {
  await open("src/files/f.hsl", "$a=1;echo 'å';");
  await open("src/files/f.hsl", "$a=''å'';echo 2;");
  const [edit] = (await editor.sendRequest("textDocument/formatting", {
    textDocument: { uri: uriOf("src/files/f.hsl") },
    options: { tabSize: 2, insertSpaces: true },
  })) as { newText: string }[];
  assert.equal(edit?.newText, "$a = ''å'';\necho 2;\n");
});
