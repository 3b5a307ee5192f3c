/** Scripts order from the rules of a real queue. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { setUp } from "../../testing/queue-rig.ts";
import { libraryHost } from "../script/library/library.ts";
import { compile, run } from "../script/machine.ts";
import { noFiles } from "../script/module.ts";
import { makeScriptQueue } from "./script-queue.ts";
import { quietWorld } from "../../testing/quiet-world.ts";

test("suspensions and policies of scripts stand in the queue's rules, and go", async () => {
  const { queue } = setUp();
  const lines: string[] = [];
  const script = `
    queue_suspend(["recipientdomain" => "example.com"], 60, ["id" => "s", "tag" => "t"]);
    queue_policy(["remotemx"], ["grouping" => "&google"], ["rate" => "10/60", "concurrency" => 2], 60, ["id" => "p"]);
    queue_policy(["remotemx"], [], ["concurrency" => 2], 60, ["id" => "q"]);
    echo queue_policy_delete("q");
    queue_suspend(["jobid" => "twice"], 60, ["tag" => "first"]);
    queue_suspend(["jobid" => "twice"], 60, ["tag" => "second"]);
    queue_suspend(["jobid" => "twice"], 60, ["tag" => "third", "update" => false]);
    queue_policy(["remotemx", "localip"], ["jobid" => "j"], ["concurrency" => 3], 60);
    queue_policy(["localip", "remotemx"], ["jobid" => "j"], ["concurrency" => 4], 60);
    queue_policy(["localip", "remotemx"], ["jobid" => "j"], ["concurrency" => 5], 60, ["update" => false]);
    echo queue_suspend(["localip" => "/(/"], 60);
    echo queue_quota("x");
    echo server_concurrency("mx");
  `;
  const { error } = await run(compile("test", script, libraryHost, noFiles), {
    world: {
      ...quietWorld(),
      echo: (line) => void lines.push(line),
      ports: {
        queue: makeScriptQueue({
          rules: () => queue.rules,
          algorithm: () => "tokenbucket",
          quota: (name) => queue.quotas.named.usedBy(name),
          connections: (server) => (server === "mx" ? 3 : null),
        }),
      },
    },
  });
  assert.equal(error, null);
  assert.deepEqual(lines, ["true", "none", '["count"=>0,"bytes"=>0]', "3"]);
  assert.deepEqual(
    queue.rulebook.suspensions.map(({ facts: { origin, tag } }) => [origin, tag]),
    [
      ["script", "t"],
      ["script", "second"],
    ],
  );
  const [policy, second, ...others] = [...queue.rulebook.policies];
  assert.equal(second?.order.limits.concurrency, 4);
  assert.deepEqual(others, []);
  assert.deepEqual(policy?.order.limits.rate, { tokens: 10, intervalMs: 60_000, algorithm: "tokenbucket" });
  assert.equal(policy?.order.limits.concurrency, 2);
});
