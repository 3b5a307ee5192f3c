import assert from "node:assert/strict";
import { test } from "node:test";

import { parseEgressOptions } from "./options.ts";

const enough = ["--listen", "10.0.0.5:1080", "--client", "10.0.0.0/8", "--source", "2001:DB8:0::10"];

test("addresses are kept in the form in which headers bring them; port 25 is open", () => {
  const options = parseEgressOptions([...enough, "--listen", "[::1]:1081"]);
  assert.deepEqual(options?.listeners, [
    { ip: "10.0.0.5", port: 1080 },
    { ip: "::1", port: 1081 },
  ]);
  assert.deepEqual([...(options?.rules.sources ?? [])], ["2001:db8::10"]);
  assert.deepEqual([...(options?.rules.ports ?? [])], [25]);
  assert.equal(parseEgressOptions(["--help"]), null);
});

test("a call that is wrong is told what is", () => {
  const wrong: readonly (readonly [RegExp, readonly string[]])[] = [
    [/--listen is missing/, []],
    [/--client is missing/, ["--listen", "10.0.0.5:1080"]],
    [/--source is missing/, ["--listen", "10.0.0.5:1080", "--client", "10.0.0.0/8"]],
    [/--listen example.org:1080: an address and a port/, [...enough, "--listen", "example.org:1080"]],
    [/--listen 10.0.0.5:70000: an address/, [...enough, "--listen", "10.0.0.5:70000"]],
    [/--client: "10.0.0.0\/33" is no network/, [...enough, "--client", "10.0.0.0/33"]],
    [/--allow: "all" is no network/, [...enough, "--allow", "all"]],
    [/--source eth0: an IPv4 or IPv6 address/, [...enough, "--source", "eth0"]],
    [/--port 0: from 1 to 65535/, [...enough, "--port", "0"]],
    [/--connections many: from 1 to/, [...enough, "--connections", "many"]],
    [/Unknown option '--lisen'/, [...enough, "--lisen", "10.0.0.5:1"]],
  ];
  for (const [says, args] of wrong) assert.throws(() => parseEgressOptions(args), says);
});
