import assert from "node:assert/strict";
import { test } from "node:test";

import { parseEngineConfig } from "./config.ts";
import { idleKeysOf } from "./halon-keys.ts";

/** Each key that the examples of the vendor's editor, of its charts and of public repositories have. */
const startup = `
version: "6.10"
servers:
  - id: default
    threads: { event: 4, script: 8 }
    listeners: [{ port: 25 }]
scripting: { rootpath: "/" }
environment:
  uuid: { version: 4 }
  controlsocket: { group: staff, chmod: "0660" }
  privdrop: { user: halon, group: halon }
  umask: "0027"
  rlimit: { nofile: 70000 }
  licensekey: /license.key
  syslog: { mask: 191 }
`;
const app = `
version: "6.10"
servers: [{ id: default, transport: mx, phases: { data: { multipart: false } } }]
transportgroups:
  - { id: default, transports: [{ id: mx, connection: { sourceip: { ipv6: false } } }] }
queues: { pooling: { size: 1000, policy: grouping } }
`;

function problems(files: { startup?: string; app?: string }): string[] {
  const parsed = parseEngineConfig({ startup, app, ...files });
  return parsed.ok ? [] : parsed.problems.map(({ file, path, reason }) => `${file}: ${path}: ${reason}`);
}

test("files of Halon load as they are, and what of them has no effect is known", () => {
  const parsed = parseEngineConfig({ startup, app });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(
    idleKeysOf(parsed.value).map((line) => line.split(" has no effect. ")[0]),
    [
      "smtpd.yaml: servers[].threads",
      "smtpd.yaml: environment.controlsocket",
      "smtpd.yaml: environment.licensekey",
      "smtpd.yaml: environment.privdrop",
      "smtpd.yaml: environment.syslog",
      "smtpd.yaml: environment.uuid",
      "smtpd-app.yaml: servers[].phases.data.multipart",
      "smtpd-app.yaml: queues.pooling.policy",
    ],
  );
});

test("a configuration without such keys has nothing to be told", () => {
  const parsed = parseEngineConfig({
    startup: "servers: [{ id: in, listeners: [{ port: 25 }] }]",
    app: "servers: [{ id: in, transport: out }]\ntransportgroups: [{ id: g, transports: [{ id: out }] }]",
  });
  assert.ok(parsed.ok);
  assert.deepEqual(idleKeysOf(parsed.value), []);
});

test("keys that would be missed are refused with the way out", () => {
  const added = (more: string): string[] => problems({ startup: `${startup}${more}` });
  assert.match(
    added("  deliveryconf: d.yaml").join(),
    /^smtpd\.yaml: environment\.deliveryconf: .*queues\.pooling/,
  );
  assert.match(added("cluster: { address: a }").join(), /^smtpd\.yaml: cluster: .*the operator divides/);
  assert.match(added("colour: blue").join(), /^smtpd\.yaml: colour: unknown key/);
});

test("a umask is written as it is read elsewhere, in octal digits", () => {
  assert.match(
    problems({ startup: startup.replace('"0027"', "0o27") }).join(),
    /^smtpd\.yaml: environment\.umask: /,
  );
  assert.match(
    problems({ startup: startup.replace('"0027"', '"0028"') }).join(),
    /must be octal digits in quotes such as "0027"/,
  );
});
