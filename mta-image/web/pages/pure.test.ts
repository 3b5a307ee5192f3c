import assert from "node:assert/strict";
import { test } from "node:test";

import { bytes, duration, number, time } from "./format.ts";
import { parsePlace, placeHref } from "./location.ts";
import { language, setLanguage, t, word } from "./strings.ts";
import { filterOf, narrowed } from "./views/filter.ts";
import { daysOf, sentToday } from "./views/warm-up-days.ts";

test("spans name their two largest units", () => {
  assert.deepEqual([0, 59, 61, 3600, 90_061, -5].map(duration), ["0s", "59s", "1m 1s", "1h", "1d 1h", "0s"]);
});

test("what is unknown is a dash, never a zero", () => {
  assert.deepEqual([number(null, "en"), number(Number.NaN, "en"), number(1234.5, "en")], ["–", "–", "1,235"]);
  assert.equal(time("never", "en"), "–");
  assert.deepEqual([bytes(500), bytes(1536), bytes(3 * 1024 ** 3)], ["500 B", "1.5 KiB", "3.0 GiB"]);
});

test("an address that was typed by hand leads somewhere, whatever is in it", () => {
  assert.deepEqual(parsePlace(""), { view: "overview", parts: [], query: {} });
  assert.deepEqual(parsePlace("#/message/a/%zz?x=1"), {
    view: "message",
    parts: ["a", "%zz"],
    query: { x: "1" },
  });
  const href = placeHref("message", ["mta/0", "01ABC"], { text: "a&b", status: "" });
  assert.deepEqual(parsePlace(href), { view: "message", parts: ["mta/0", "01ABC"], query: { text: "a&b" } });
});

test("a filter holds what was filled in, and leaves what is wrong to the server", () => {
  const query = {
    text: " a ",
    senderDomain: "",
    minAttempts: "3",
    minAgeSeconds: "old",
    status: "hold",
    other: "x",
  };
  assert.deepEqual(filterOf(query), { text: "a", minAttempts: 3, minAgeSeconds: "old", status: "hold" });
});

test("only groups that a filter can name lead to a search", () => {
  assert.deepEqual(narrowed({ text: "a" }, "recipientDomain", "b.test"), {
    text: "a",
    recipientDomain: "b.test",
  });
  assert.equal(narrowed({}, "age", "1m..5m"), null);
  assert.equal(narrowed({}, "jobId", ""), null);
});

test("every word is there in every language, and an unknown one comes as it is", () => {
  const storage = new Map<string, string>();
  Object.assign(globalThis, {
    localStorage: { setItem: (key: string, value: string) => storage.set(key, value) },
  });
  assert.equal(t("inAll", { count: 5 }), "Recipients: 5");
  setLanguage("de");
  assert.deepEqual(
    [t("inAll", { count: 5 }), word("deferred"), word("451 4.7.1")],
    ["Empfänger: 5", "aufgeschoben", "451 4.7.1"],
  );
  assert.equal(language(), "de");
  setLanguage("en");
});

test("the days of an address that warms up have a plan to its end, and figures from the first count to today", () => {
  const address = { ip: "192.0.2.1", class: "new", added: "2026-03-01", day: 3, budget: 200 };
  const rows = [
    { day: 1, messages: 50 },
    { day: 3, messages: 200 },
  ];
  const data = {
    since: "2026-03-02T12:00:00.000Z",
    today: "2026-03-03",
    schedules: [{ class: "new", rows, days: 5 }],
    addresses: [address],
    counts: [
      { ip: "192.0.2.1", date: "2026-03-03", tried: 9, delivered: 7 },
      { ip: "192.0.2.2", date: "2026-03-03", tried: 1, delivered: 1 },
    ],
    differing: [],
    failures: [],
  };
  const days = daysOf(data, address);
  assert.deepEqual(days.planned, [50, 50, 200, 200, 200]);
  assert.deepEqual(days.tried, [null, 0, 9, null, null]);
  assert.deepEqual(days.delivered, [null, 0, 7, null, null]);
  assert.equal(new Date(days.at[days.today] ?? 0).toISOString(), "2026-03-03T00:00:00.000Z");
  assert.deepEqual(sentToday(data, "192.0.2.3"), { tried: 0, delivered: 0 });
  const warm = daysOf(data, { ...address, added: "2025-01-01", day: 427, budget: null });
  assert.ok(warm.at.length <= 100);
  assert.equal(warm.planned.at(-1), null);
});
