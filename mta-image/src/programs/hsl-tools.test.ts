/** The command line tools for scripts, run as programs: what they print, where errors stand, how they end. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { load } from "js-yaml";

import { buildNative, testPlugin } from "../../testing/native-plugins.ts";

function tool(name: "hsh" | "hsl-lint" | "hsl-format", args: readonly string[], input: string) {
  const program = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  return spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...args], {
    input,
    encoding: "utf8",
  });
}

test("hsh runs a file with its imports from the root path, and bytes stay bytes", (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "lib.hsl"), 'function greet($name) { sleep(0.001); return "hej $name"; }');
  writeFileSync(join(root, "main.hsl"), 'import { greet } from "file://lib.hsl"; echo greet("Åsa");');
  const { status, stdout, stderr } = tool("hsh", ["--rootpath", root, join(root, "main.hsl")], "");
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "hej Åsa\n", stderr: "" });
});

test("hsh runs a package of scripts out of the folder extras, with its settings", (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "extras", "greeter"), { recursive: true });
  writeFileSync(join(root, "extras", "greeter", "main.hsl"), 'import { greet } from "./lib.hsl";');
  writeFileSync(
    join(root, "extras", "greeter", "lib.hsl"),
    'import $set from "plugin-config://smtpd-app.yaml"; function greet() { global $set; return $set["word"]; }',
  );
  writeFileSync(join(root, "main.hsl"), 'import { greet } from "extras://greeter"; echo greet();');
  const app = join(root, "app.yaml");
  writeFileSync(app, "plugins: [{ id: greeter, config: { word: hej } }]");
  const { status, stdout, stderr } = tool("hsh", ["-R", root, "-A", app, join(root, "main.hsl")], "");
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "hej\n", stderr: "" });
});

test("hsh imports a folder's main.hsl, and all files of a pattern, from the configuration and below its root path", (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const folder of ["lib", "keys"]) mkdirSync(join(root, folder));
  writeFileSync(join(root, "lib", "main.hsl"), "function two() { return 2; }");
  writeFileSync(join(root, "keys", "a.key"), "A");
  symlinkSync("/etc", join(root, "out"));
  const app = join(root, "app.yaml");
  writeFileSync(app, "scripting: { files: [{ id: keys/b.key, data: B }] }");
  const script = `import { two } from "lib"; import $keys from "txt!keys/*.key"; import $out from "txt!out/hostn*";
    echo two(); echo $keys; echo $out;`;
  const { stdout, stderr } = tool("hsh", ["-R", root, "-A", app, "-"], script);
  assert.deepEqual(
    { stdout, stderr },
    { stdout: `2\n["keys/a.key"=>"A","keys/b.key"=>"B"]\n[]\n`, stderr: "" },
  );
});

test("hsh reads nothing above its root path", (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "main.hsl"), 'import $secret from "txt!/../../etc/passwd";');
  const { status, stderr } = tool("hsh", ["--rootpath", root, join(root, "main.hsl")], "");
  assert.equal(status, 1);
  assert.match(stderr, /main\.hsl:1:1: there is no file/);
});

test("hsh runs the entry point of a configuration, with its files, keys and name of the host", (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
  writeFileSync(join(root, "k.pem"), key);
  writeFileSync(
    join(root, "smtpd.yaml"),
    "environment: { hostname: mx.example }\npki: { private: [{ id: mine, key: k.pem }] }\n",
  );
  const app = {
    __entrypoint: "file://main.hsl",
    scripting: {
      files: [
        {
          id: "main.hsl",
          data: 'include "file:1"; echo gethostname(); echo f(MIME()->addHeader("From", "a@b")->setBody("x")->signDKIM("s", "example.com", "mine", ["id" => true])->toString());',
        },
        {
          id: "1",
          data: Buffer.from(
            "function f($m) { return MailMessage::String($m)->getHeader('DKIM-Signature')[0:4]; }".replaceAll(
              "'",
              '"',
            ),
          ).toString("base64"),
          binary: true,
        },
      ],
    },
  };
  const { status, stdout, stderr } = tool(
    "hsh",
    ["-c", join(root, "smtpd.yaml"), "-A", "-"],
    JSON.stringify(app),
  );
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "mx.example\nv=1;\n", stderr: "" });
});

test("hsh reads files below its root path, and gives C functions only with --ffi", (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "list.txt"), "one\ntwo\n");
  const script =
    'echo File("file://list.txt")->readline(); $f = FFI("libc.so.6")->func("getpid", [], FFI::type("sint32")); echo FFI::number($f()) > 0;';
  const without = tool("hsh", ["-R", root], script);
  assert.equal(without.status, 1);
  assert.match(without.stderr, /there is no function FFI/);
  const { status, stdout } = tool("hsh", ["-R", root, "--ffi"], script);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: "one\ntrue\n" });
});

test("hsh runs an entry point that is a script, as editors start it, and reads standard input once", (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  const app = (more: object): string =>
    JSON.stringify({ scripting: { files: [{ id: "main.hsl", data: "echo 5;" }] }, ...more });
  const byEditor = ["-c", "/dev/null", "-A", "-", "-"];
  for (const entry of ['include "main.hsl";', "main.hsl", "file://main.hsl"]) {
    const { status, stdout, stderr } = tool("hsh", byEditor, app({ __entrypoint: entry }));
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "5\n", stderr: "" }, entry);
  }
  const nothing = tool("hsh", byEditor, app({}));
  assert.equal(nothing.status, 2);
  assert.match(nothing.stderr, /^hsh: the configuration has no __entrypoint/);
  assert.match(tool("hsh", ["a.hsl", "b.hsl"], "").stderr, /^hsh: there is one script too many: b\.hsl/);
  assert.match(tool("hsh", ["-C", "/tmp/x", "-"], "").stderr, /^hsh: hsh has no debug socket/);
});

test("hsh takes root path and C functions from smtpd.yaml, and the root path rather from its option", (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const name of ["a", "b"]) {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, "x.txt"), name);
  }
  const config = join(root, "smtpd.yaml");
  writeFileSync(config, `scripting: { rootpath: ${join(root, "a")}, ffi: true }`);
  const script = 'import $x from "x.txt"; echo $x; echo FFI::number(FFI::cnumber(FFI::type("sint32"), 7));';
  assert.deepEqual(tool("hsh", ["-c", config], script).stdout, "a\n7\n");
  assert.deepEqual(tool("hsh", ["-c", config, "-R", join(root, "b")], script).stdout, "b\n7\n");
});

test("hsh gives up root before anything of the script runs", { skip: process.getuid?.() !== 0 }, (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  chmodSync(root, 0o755);
  writeFileSync(join(root, "open.txt"), "open", { mode: 0o644 });
  writeFileSync(join(root, "closed.txt"), "closed", { mode: 0o600 });
  const script = 'echo File::read("file://open.txt"); echo File::read("file://closed.txt");';
  assert.equal(tool("hsh", ["-R", root], script).stdout, "open\nclosed\n");
  assert.equal(tool("hsh", ["-R", root, "--privdrop", "--binary"], script).stdout, "open\nnone\n");
});

test("hsh loads plugins and says what is wrong with its options", () => {
  buildNative();
  const script = 'import { nap } from "extras://nap"; echo nap(1) >= 1;';
  const { status, stdout, stderr } = tool("hsh", ["-p", testPlugin("nap")], script);
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "true\n", stderr: "" });
  const wrong = tool("hsh", ["--nothing"], "");
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /^hsh: Unknown option '--nothing'/);
  assert.equal(tool("hsh", ["-p", "/nowhere/x.so"], "").status, 2);
  const gone = tool("hsh", ["-A", "-"], "scripting: { files: [{ id: lib.hsl, path: /nowhere/lib.hsl }] }");
  assert.equal(gone.status, 2);
  assert.match(gone.stderr, /^hsh: -: scripting\.files\.lib\.hsl: ENOENT.*\n$/);
  assert.match(tool("hsh", ["--help"], "").stdout, /--rootpath/);
});

test("hsh loads the plugins of a configuration, with settings or without", (t) => {
  buildNative();
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  const [config, app] = [join(root, "smtpd.yaml"), join(root, "app.yaml")];
  writeFileSync(config, `plugins: [{ id: nap, path: ${testPlugin("nap")} }]`);
  writeFileSync(app, "plugins: [{ id: nap }]");
  const script = 'import { nap } from "extras://nap"; echo nap(1) >= 1;';
  const { status, stdout, stderr } = tool("hsh", ["-c", config, "-A", app], script);
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "true\n", stderr: "" });
});

test("hsh reads files of a configuration before those of its root path", (t) => {
  const root = mkdtempSync(join(tmpdir(), "hsh-"));
  t.after(() => rmSync(root, { recursive: true }));
  const app = join(root, "app.yaml");
  writeFileSync(app, "scripting: { files: [{ id: a.txt, data: given }] }");
  for (const name of ["a.txt", "b.txt"]) writeFileSync(join(root, name), "of the folder");
  const script = 'foreach (["a", "b", "c"] as $name) echo File::read("file://$name.txt");';
  const { status, stdout, stderr } = tool("hsh", ["-R", root, "-A", app], script);
  assert.deepEqual(
    { status, stdout, stderr },
    { status: 0, stdout: "given\nof the folder\nnone\n", stderr: "" },
  );
});

test("hsh takes what scripts order about the queue, and says what is wrong with it", () => {
  const script = `
    $properties = ["id" => "p"];
    echo queue_policy(["localip"], ["localip" => "192.0.2.1"], ["rate" => [1, 60]], 60, $properties);
    echo queue_suspend(["jobid" => "j"], 60, ["id" => "s"]);
    echo queue_policy_delete("p");
    echo queue_quota("q");
    queue_policy(["colour"], [], ["concurrency" => 1], 60);
  `;
  const { status, stdout, stderr } = tool("hsh", [], script);
  assert.deepEqual([status, stdout], [1, '["id"=>"p"]\n["id"=>"s"]\nfalse\n["count"=>0,"bytes"=>0]\n']);
  assert.match(stderr, /colour/);
});

test("hsh ends with 1 and the script stack when a script throws", () => {
  const { status, stdout, stderr } = tool("hsh", [], 'echo "before";\nfunction f() { throw "bad"; }\nf();');
  assert.equal(status, 1);
  assert.equal(stdout, "before\n");
  assert.equal(stderr, "bad\n  at f (stdin:2:16)\n  at main (stdin:3:1)\n");
});

test("hsl-lint is silent about a script that compiles, its files included", () => {
  const request = {
    data: 'include "file:1"; echo f();',
    phase: "eod",
    files: [{ id: "1", data: "function f() { return 1; }" }],
  };
  const { status, stderr } = tool("hsl-lint", [], JSON.stringify(request));
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});

test("hsl-lint knows the actions and variables of the phase", () => {
  const data = 'if ($arguments["remoteip"] == "192.0.2.1") Reject("no"); Accept();';
  assert.equal(tool("hsl-lint", [], JSON.stringify({ data, phase: "connect" })).status, 0);
  const { status, stderr } = tool("hsl-lint", [], JSON.stringify({ data, phase: "" }));
  assert.equal(status, 1);
  assert.match(stderr, /there is no function Reject/);
});

test("hsl-lint says file, line, column and message of what is wrong", () => {
  const { status, stderr } = tool(
    "hsl-lint",
    [],
    JSON.stringify({ data: "$x = 1;\n  nothing();", phase: "eod" }),
  );
  assert.equal(status, 1);
  const { errors: _, ...first } = load(stderr) as Record<string, unknown>;
  assert.deepEqual(first, {
    file: "",
    line: 2,
    column: 3,
    message: "there is no function nothing",
    path: [],
  });
});

test("hsl-lint names the file that is wrong, and the statements that brought it in", () => {
  const request = {
    version: "5.10",
    phase: "eod",
    data: '\ninclude "a.hsl";',
    files: [
      { id: "a.hsl", data: '  import { f } from "./b.hsl";' },
      { id: "b.hsl", data: "function f() {\n  nothing();\n}" },
    ],
  };
  const { status, stderr } = tool("hsl-lint", [], JSON.stringify(request));
  assert.equal(status, 1);
  const mistake = {
    file: "b.hsl",
    line: 2,
    column: 3,
    message: "there is no function nothing",
    path: [
      { file: "a.hsl", line: 1, column: 3 },
      { file: "", line: 2, column: 1 },
    ],
  };
  assert.deepEqual(load(stderr), { ...mistake, errors: [mistake] });
});

test("hsl-lint knows what engines give, C functions where they are allowed, binary files, and leaves plugins to the engine", () => {
  const lint = (data: string, more: object = {}): string =>
    tool("hsl-lint", [], JSON.stringify({ data, phase: "eod", files: [], ...more })).stderr;
  assert.equal(lint('echo spamhaus("ip", "192.0.2.1");'), "");
  assert.match(lint('FFI("libc.so.6");'), /there is no function FFI/);
  assert.equal(lint('FFI("libc.so.6"); FFI::nullptr();', { scripting: { ffi: true } }), "");
  const bytes = Buffer.from([0xff, 0xfe, 0x22]).toString("base64");
  const binary = (data: string): object => ({ files: [{ id: "x.json", data, binary: true }] });
  const json = 'import $x from "x.json"; echo $x;';
  assert.match(lint(json, binary(bytes)), /this is no JSON/);
  assert.equal(lint(json, binary(Buffer.from("[1]").toString("base64"))), "");
  const foreign =
    'import { geoip } from "extras://maxmind-geoip"; import * as db from "extras://mariadb"; import $c from "plugin-config://smtpd.yaml"; echo geoip("192.0.2.1"); rate_it(1); echo MySQL::escape_string("x"); echo db::MySQL("p")->query("x");';
  assert.match(lint(foreign), /there is no file extras:\/\/maxmind-geoip/);
  const plugins = [{ id: "maxmind-geoip", config: { path: "x" } }, { id: "mariadb" }];
  assert.equal(lint(foreign.replace(/import \$c.*?; /, ""), { plugins }), "");
  assert.match(lint("echo 1 +;", { plugins }), /line: 1/);
});

test("hsl-lint refuses a request that is none", () => {
  assert.equal(tool("hsl-lint", [], "][").status, 1);
});

test("hsl-format gives the script back, and says what is wrong with its options and files", () => {
  assert.deepEqual(tool("hsl-format", [], "echo   1;").stdout, "echo 1;\n");
  const wrong = tool("hsl-format", ["--nothing"], "");
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /^hsl-format: Unknown option '--nothing'[^\n]*\n$/);
  assert.match(tool("hsl-format", ["/nowhere/x.hsl"], "").stderr, /^hsl-format: ENOENT[^\n]*\n$/);
});
