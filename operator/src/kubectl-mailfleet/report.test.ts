import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { redactObject, redactText } from "./redact.ts";
import { tar } from "./tar.ts";

describe("a bundle", () => {
  test("holds no addresses, and the same one has the same name throughout", () => {
    const text = redactText("from Ada@Example.net to bob@example.org, again ada@example.net", "salt");
    assert.match(text, /^from (<address-\w{8}>) to <address-\w{8}>, again \1$/);
    assert.notEqual(redactText("ada@example.net", "other"), redactText("ada@example.net", "salt"));
  });

  test("holds no values of variables, nothing that is called like a secret, and no contents of ConfigMaps", () => {
    const pod = {
      metadata: {
        name: "out-0",
        managedFields: [1],
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": "x" },
      },
      spec: {
        env: [{ name: "KEY", value: "hunter2" }],
        password: "hunter2",
        smtpAuthToken: "t",
        secretName: "mail-tls",
      },
      data: { "smtpd-app.yaml": "abc" },
    };
    const text = JSON.stringify(redactObject(pod, "s"));
    assert.doesNotMatch(text, /hunter2|managedFields|last-applied|"t"|abc/);
    assert.match(text, /"name":"out-0"/);
    assert.match(text, /"secretName":"mail-tls"/);
    assert.match(text, /"smtpd-app.yaml":"<3 characters>"/);
  });

  test("is an archive that tar can read", () => {
    const folder = mkdtempSync(join(tmpdir(), "report-"));
    try {
      const files = [
        { name: "a.txt", text: "one" },
        { name: "out-0.log", text: "x".repeat(1000) },
        { name: "empty.txt", text: "" },
      ];
      writeFileSync(join(folder, "r.tar"), tar(files, 1_700_000_000));
      execFileSync("tar", ["-xf", "r.tar"], { cwd: folder });
      for (const { name, text } of files) assert.equal(readFileSync(join(folder, name), "utf8"), text);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
