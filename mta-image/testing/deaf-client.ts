/** A client that says much and reads none of the replies, for tests of sessions: it is not read from for ever, and is let go. */
import assert from "node:assert/strict";

import type { Lines } from "./dialogue.ts";
import type { Receiver } from "./receiver.ts";
import { until } from "./until.ts";

/** `client` has come as far as it may go wrong without end (`maxErrors`). */
export async function assertDeafIsLetGo(receiver: Receiver, client: Lines): Promise<void> {
  client.socket.pause();
  const burst = Buffer.from("XXXX\r\n".repeat(20_000));
  for (let i = 0; i < 60; i++) client.socket.write(burst);
  await until(
    () => receiver.counters.refusedCommands,
    (count) => count > 0,
  );
  await receiver.until(() => {
    receiver.clock.advance(3000);
    return receiver.counters.timeouts === 1 || receiver.isIdle;
  }, "nothing happens any more");
  assert.ok(receiver.counters.refusedCommands < 1_200_000, "the server stopped reading");
  receiver.clock.advance(3000);
  await receiver.untilIdle();
  client.socket.destroy();
}
