/** Real scripts over real plugins: import, globals, waiting, objects, exceptions. */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { mergeHosts } from "#mta/script/host.ts";
import { libraryHost } from "#mta/script/library/library.ts";
import { compile, run } from "#mta/script/machine.ts";
import { noFiles } from "#mta/script/module.ts";

import { makeTestHost, startPlugins } from "../../testing/native-plugins.ts";
import { offerFunctions } from "./functions.ts";
import { withPluginModules } from "./modules.ts";
import { noResources } from "./values.ts";
import { quietWorld } from "../../testing/quiet-world.ts";

const plugins = makeTestHost();
await startPlugins(plugins, { values: {}, suspend: {}, "in-place": {}, objects: {}, nap: {}, greet: {} });
after(() => plugins.host.cleanup());
const offer = offerFunctions(plugins.host.registrations, plugins.host.calls, noResources);
const host = mergeHosts(libraryHost, offer.global);

/** What the script echoes; what it fails with is the last line. */
async function echoes(text: string): Promise<string[]> {
  const lines: string[] = [];
  const program = compile("test", text, host, withPluginModules(offer.modules, noFiles));
  const { error } = await run(program, {
    world: {
      ...quietWorld(),
      echo: (line) => void lines.push(line),
    },
  });
  return error === null ? lines : [...lines, error.message];
}

test("a script imports a plugin's functions and waits for them while another goes on", async () => {
  const slow = echoes(
    'import { nap, shout as loud } from "extras://nap"; if (nap(1000) >= 1000) echo loud("slow");',
  );
  const fast = echoes('import { nap } from "extras://nap"; if (nap(1) >= 1) echo "fast";');
  assert.deepEqual(await Promise.race([slow, fast]), ["fast"]);
  assert.deepEqual(await slow, ["SLOW"]);
});

test("a script calls global functions with arrays and gets arrays back", async () => {
  assert.deepEqual(
    await echoes('echo copy(["a" => [1, true, none], 5 => "x"]); echo look(["k" => 7], "k");'),
    ['["a"=>[0=>1,1=>true,2=>none],5=>"x"]', "[0=>1,1=>7]"],
  );
});

test("a plugin's exception is caught by the script, also after a wait", async () => {
  const script = `
    try { add("x"); } catch ($e) { echo $e->message(); }
    try { late(-1); } catch ($e) { echo $e->message(); }
    try { explode(); } catch ($e) { echo $e->message(); }`;
  assert.deepEqual(await echoes(script), [
    "add wants two numbers",
    "too late",
    "suspend: explode: threw a C++ exception: boom",
  ]);
});

test("a plugin's exception that nobody catches ends the script", async () => {
  assert.deepEqual(await echoes('echo "before"; greet(); echo "after";'), ["before", "greet wants a name"]);
});

test("a script uses a plugin's objects, chained through $this, and static functions", async () => {
  const script = `
    $counter = Counter();
    echo $counter->increase(2)->increase()->value();
    $twin = $counter->twin();
    $twin->increase(10);
    echo $counter->value() . " " . $twin->value();
    echo Sum::add(1, 2);`;
  assert.deepEqual(await echoes(script), ["3", "3 13", "3"]);
});

test("a class that only a module has is imported, made and asked, also under another name", async () => {
  const script = `
    import { Tally, Tally as Other } from "extras://objects";
    echo Tally()->increase(2)->value();
    echo Other()->value() . " " . Other::add(1, 2) . " " . Tally::add(3, 4);
    $add = Tally::add;
    echo $add(5, 6);`;
  assert.deepEqual(await echoes(script), ["2", "0 3 7", "11"]);
  await assert.rejects(
    echoes('import { Tally } from "extras://objects"; Tally::nothing();'),
    /there is no Tally::nothing/,
  );
  await assert.rejects(echoes("Tally();"), /there is no function Tally/);
});

test("a script waits in place as often as the plugin likes", async () => {
  assert.deepEqual(await echoes("echo rest(1, 4);"), ["10"]);
});

test("importing from a plugin that is not there, or what it does not have, is told when compiling", async () => {
  await assert.rejects(echoes('import { x } from "extras://nobody";'));
  await assert.rejects(echoes('import { nothing } from "extras://nap";'));
});
