/**
 * One engine's worth of plugins in a process of its own, for tests of starts that fail, crashes and exits.
 * Arguments: the test plugin, its configuration as JSON, what to do once it is up. Prints what came of it.
 */
import { functionOf, makeTestHost, startPlugins } from "../../../testing/native-plugins.ts";

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const [name = "", config = "null", act = ""] = process.argv.slice(2);
const plugins = makeTestHost({ blockedMs: 100 });

try {
  await startPlugins(plugins, { [name]: { config: JSON.parse(config) as unknown } });
} catch (error) {
  say((error as Error).message);
  process.exit(2);
}

switch (act) {
  case "leave":
    // A suspended call and a running thread, and the process ends without a word to the plugins.
    void plugins.host.calls.call(functionOf(plugins, name, "never"), []);
    void plugins.host.calls.call(functionOf(plugins, name, "late"), [30]);
    setImmediate(() => process.exit(0));
    break;
  case "stop-early":
    // Cleanup while calls are suspended; their schedules come afterwards.
    void plugins.host.calls.call(functionOf(plugins, name, "late"), [30]);
    void plugins.host.calls.call(functionOf(plugins, name, "work"), []);
    plugins.host.cleanup();
    setTimeout(() => say("still here"), 60);
    break;
  case "objects":
    say(String(plugins.host.calls.call(functionOf(plugins, name, "Counter"), []) !== null));
    plugins.host.cleanup();
    break;
  default:
    // As long as a watchdog that hardly gets the processor may need to look.
    void plugins.host.calls.call(functionOf(plugins, name, act), [1000]);
    plugins.host.cleanup();
}
