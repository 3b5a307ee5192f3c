import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";
import type { Page } from "playwright-core";

import { hasRbldnsd } from "../testing/rbldnsd.ts";
import { until } from "../testing/until.ts";
import { type BusyFleet, hostile, startBusyFleet } from "./testing/busy-fleet.ts";
import { fieldsOfMail, poisonAnswers, poisonTrace } from "./testing/poison.ts";
import { type Reader, type Tab, hasBrowser, openReader, openTab } from "./testing/browser.ts";
import { type MailClusterDoor, startMailClusterDoor } from "./testing/mail-cluster-door.ts";
import { logIn, picture, show, views as menu } from "./testing/steps.ts";
import { type WebRig, startRig } from "./testing/rig.ts";

const views = [...menu, "message"];

describe("the pages in a real browser", { skip: hasBrowser ? false : "there is no chromium" }, () => {
  let reader: Reader;
  let fleet: BusyFleet;
  let door: MailClusterDoor;
  let rig: WebRig;
  let tab: Tab;
  let page: Page;

  before(async () => {
    reader = await openReader();
    fleet = await startBusyFleet();
    door = await startMailClusterDoor();
    rig = await startRig({
      engines: {
        hosts: [
          ...fleet.engines.map(({ adminUrl }, i) => ({ name: `outbound-${i}`, url: adminUrl })),
          { name: "outbound-3", url: "http://127.0.0.1:1" },
        ],
      },
      token: fleet.engines[0]?.token ?? "",
      pages: reader.pages,
      further: { title: "Outbound" },
      cluster: door.place,
    });
    const viewer = await rig.as("viewer");
    const settled = async (): Promise<number> =>
      (
        await viewer.call<{ matched: number }>("POST", "/api/queue/search", {
          filter: { status: "deferred" },
        })
      ).json.matched;
    await until(settled, (matched) => matched >= fleet.waiting - 3);
    tab = await openTab(reader.browser, { url: rig.url });
    page = tab.page;
  });
  after(async () => {
    await reader?.close();
    await rig?.stop();
    await fleet?.stop();
    door?.stop();
  });

  test("a wrong password says so, the right one opens the overview", async () => {
    await page.goto("/");
    await page.fill("input[name=user]", "admin");
    await page.fill("input[name=password]", "guess");
    await page.click("button[type=submit]");
    await page.getByRole("alert").getByText("name or password are wrong").waitFor();
    assert.deepEqual(await tab.audit(), []);
    await logIn(page, "admin");
    assert.equal(await page.locator("h1").textContent(), "Overview");
  });

  test("the overview shows every engine, and the one that does not answer as such", async () => {
    await show(page, "overview");
    await page.getByRole("row").filter({ hasText: "outbound-3" }).getByText("does not answer").waitFor();
    for (const name of ["outbound-0", "outbound-1", "outbound-2"])
      await page.getByRole("row").filter({ hasText: name }).getByText("Serving").waitFor();
    await page.getByRole("img", { name: /Recipients in the queue/ }).waitFor();
  });

  test("the queue is searched by a field, by groups, and by keyboard", async () => {
    await show(page, "queue");
    await page.getByText("Recipients: 192", { exact: true }).waitFor();
    await page.fill("input[name=text]", "USER00@");
    await page.keyboard.press("Enter");
    await page.getByText("Recipients: 1", { exact: true }).waitFor();
    await show(page, "queue");
    await page.selectOption("select[name=group]", "senderDomain");
    await page.getByRole("button", { name: "shop.example" }).click();
    await page.getByText("Recipients: 180", { exact: true }).waitFor();
    await page.getByRole("button", { name: "More fields" }).click();
    assert.equal(await page.inputValue("input[name=senderDomain]"), "shop.example");
    await page.fill("input[name=reply]", "greylisted");
    await page.keyboard.press("Enter");
    await page.getByText("Recipients: 180", { exact: true }).waitFor();
    await picture(page, "queue-search");
  });

  test("a filter that is broken is explained, and nothing is lost", async () => {
    await page.goto("/#/queue?minAttempts=-3");
    await page
      .getByRole("alert")
      .getByText(/minAttempts/)
      .waitFor();
  });

  test("a long list scrolls to its end with few rows in the page", async () => {
    await show(page, "queue");
    await page.getByText("Recipients: 192", { exact: true }).waitFor();
    await page.locator(".scroller").evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.locator('[aria-rowindex="193"]').waitFor();
    assert.ok((await page.locator(".canvas .row").count()) < 60);
  });

  test("chosen rows are counted, held and released, with what came of it on each engine", async () => {
    await show(page, "queue?recipient=user00");
    await page
      .getByLabel(/^Select 0/)
      .first()
      .check();
    await page.getByText("1 selected").waitFor();
    await page.getByRole("button", { name: "Hold" }).click();
    await page.getByText("Recipients that this concerns: 1").waitFor();
    await picture(page, "queue-order");
    await page.getByRole("button", { name: "Hold (1)" }).click();
    await page.getByText("Changed 1 of 1").waitFor();
    await page.getByText("Unknown on 1: done there or not.").waitFor();
    assert.deepEqual(await tab.audit(), []);
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByText("1 selected").waitFor({ state: "detached" });
    await show(page, "queue?status=hold");
    await page.getByText("Recipients: 1", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Release" }).click();
    await page.getByRole("button", { name: "Release (1)" }).click();
    await page.getByText("Changed 1 of 1").waitFor();
    await page.keyboard.press("Escape");
  });

  test("retry, bounce and delete do what they say", async () => {
    for (const [action, recipient] of [
      ["Retry now", "user01@"],
      ["Bounce", "user02@"],
      ["Delete", "user03@"],
    ] as const) {
      await show(page, `queue?recipient=${recipient}`);
      await page.getByText("Recipients: 1", { exact: true }).waitFor();
      await page.getByRole("button", { name: action, exact: true }).click();
      await page.getByRole("button", { name: `${action} (1)` }).click();
      await page.getByText("Changed 1 of 1").waitFor();
      await page.getByRole("button", { name: "Close" }).click();
    }
    await show(page, "queue?recipient=user03@");
    await page.getByText("Recipients: 0", { exact: true }).waitFor();
  });

  test("what is moved goes by another job and transport, and an unknown transport is refused by name", async () => {
    await show(page, "queue?recipient=user05@");
    await page.getByText("Recipients: 1", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Move", exact: true }).click();
    await page.getByText("Recipients that this concerns: 1").waitFor();
    assert.equal(await page.getByRole("button", { name: "Move (1)" }).isDisabled(), true);
    await page.fill("input[name=to-jobId]", "second-try");
    assert.deepEqual(await tab.audit(), []);
    await picture(page, "queue-move");
    await page.getByRole("button", { name: "Move (1)" }).click();
    await page.getByText("Changed 1 of 1").waitFor();
    await page.keyboard.press("Escape");
    await show(page, "queue?jobId=second-try");
    await page.getByText("Recipients: 1", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Move", exact: true }).click();
    await page.fill("input[name=to-transportId]", "nowhere");
    await page.getByRole("button", { name: "Move (1)" }).click();
    await page
      .getByText(/nowhere/)
      .first()
      .waitFor();
    await page.keyboard.press("Escape");
  });

  test("a message shows its header, its attempts and why it waits; what a sender wrote stays text", async () => {
    await show(page, "queue?senderDomain=evil.test");
    await page
      .getByRole("link", { name: /script/ })
      .first()
      .click();
    await page.getByText("it is due and a rule holds it back").waitFor();
    await page.getByText("suspension · held · kept").waitFor();
    assert.ok((await page.locator("pre").textContent())?.includes("From: x@y.test"));
    assert.equal(await page.evaluate("window.hacked"), undefined);
    assert.deepEqual(await tab.audit(), []);
    await show(page, "queue?recipient=user04@");
    await page.getByRole("link", { name: /user04/ }).click();
    await page.getByText("Offer 4 für Sie").waitFor();
    await page.getByText(`${hostile} greylisted`).first().waitFor();
    assert.equal(await page.evaluate("window.hacked"), undefined);
    await page.getByRole("button", { name: "Hold" }).waitFor();
    await picture(page, "message");
  });

  test("a suspension and a policy are added and deleted on all engines", async () => {
    await show(page, "rules");
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.fill("input[name=id]", "maintenance");
    await page.fill("input[name=value]", "later.test");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("dialog").getByText("outbound-3").waitFor();
    await page.keyboard.press("Escape");
    const added = page.getByRole("row").filter({ hasText: "recipientdomain = later.test" });
    await added.getByText("on 3 engines").waitFor();
    await page.getByRole("button", { name: "Add a policy" }).click();
    await page.fill("input[name=id]", "slow");
    await page.fill("input[name=value]", "now1.test");
    await page.fill("input[name=rate]", "10/60");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("dialog").getByText("outbound-3").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("10/60 s").waitFor();
    await page
      .getByRole("row")
      .filter({ hasText: "suspends[0]" })
      .getByText("recipientdomain = away.test")
      .waitFor();
    await picture(page, "rules");
    await page.getByRole("button", { name: "Delete maintenance" }).click();
    await page.getByText("recipientdomain = later.test").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Delete slow" }).click();
    await page.getByText("10/60 s").waitFor({ state: "detached" });
  });

  test("deliveries name destinations with their codes, and what kinds of answer there were", async () => {
    await show(page, "deliveries");
    const classes = page.getByRole("region", { name: "Why mail was not delivered" });
    await classes.getByRole("row").filter({ hasText: "failed" }).first().waitFor();
    await page
      .getByRole("row")
      .filter({ hasText: "never.test" })
      .getByText(/550 5\.1\.1/)
      .first()
      .waitFor();
  });

  test("warm-up, plugins, Spamhaus and the configuration show what the first engine has", async () => {
    await show(page, "warm-up");
    await page.getByRole("row").filter({ hasText: "192.0.2.10" }).first().waitFor();
    await show(page, "plugins");
    await page.getByRole("row").filter({ hasText: "values" }).getByText("present").waitFor();
    await show(page, "spamhaus");
    if (hasRbldnsd()) await page.getByRole("row").filter({ hasText: "dbl 127.0.1." }).first().waitFor();
    await show(page, "config");
    await page.getByText("transportgroups").first().waitFor();
    await page.selectOption("select[name=between]", { index: 1 });
    await page.locator("pre ins, pre del").first().waitFor();
    await picture(page, "config-difference");
  });

  test("a trace shows sessions as they happen, with secrets masked, and stops", async () => {
    await show(page, "trace");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("live", { exact: true }).waitFor();
    await page
      .getByText(/outbound-3/)
      .first()
      .waitFor();
    const client = createTransport({
      host: "127.0.0.1",
      port: fleet.engines[1]?.smtpPort ?? 0,
      ignoreTLS: true,
    });
    const mail = { from: "seen@shop.example", to: "user@now0.test", subject: hostile, text: "body" };
    const said = page.getByText("MAIL FROM:<seen@shop.example>");
    await until(
      async () => {
        await client.sendMail(mail);
        return said.count();
      },
      (count) => count > 0,
    );
    client.close();
    assert.equal(await page.evaluate("window.hacked"), undefined);
    assert.deepEqual(await tab.audit(), []);
    await picture(page, "trace");
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Start" }).waitFor();
    // What was shown stays, up to the page's bound; on a slow machine others' lines may have pushed ours out.
    assert.ok((await page.getByText(/outbound-3/).count()) > 0);
  });

  test("whatever stands in any field of any answer is text", async () => {
    const own = await openTab(reader.browser, { url: rig.url });
    await logIn(own.page, "admin");
    const poison = await poisonAnswers(own.page);
    for (const view of views.filter((each) => each !== "trace")) {
      await open(own.page, view);
      await own.page.getByText(hostile).first().waitFor();
      assert.deepEqual([await own.page.evaluate("window.hacked"), own.complaints], [undefined, []], view);
      assert.equal(await own.page.locator("img, main script, iframe").count(), 0, view);
    }
    assert.deepEqual(
      [...fieldsOfMail].filter((field) => !poison.has(field)),
      [],
    );
    await own.close();
  });

  test("whatever stands in any field of a trace is text", async () => {
    const own = await openTab(reader.browser, { url: rig.url });
    await logIn(own.page, "admin");
    await poisonTrace(own.page);
    await show(own.page, "trace");
    await own.page.getByRole("button", { name: "Start" }).click();
    await own.page.getByText(hostile).nth(12).waitFor();
    assert.deepEqual([await own.page.evaluate("window.hacked"), own.complaints], [undefined, []]);
    assert.equal(await own.page.locator("img, main script, iframe").count(), 0);
    await own.close();
  });

  test("the audit log names what was done here", async () => {
    await show(page, "audit");
    await page.getByRole("row").filter({ hasText: "suspension.put" }).first().waitFor();
    await page.getByRole("row").filter({ hasText: "login" }).filter({ hasText: "401" }).first().waitFor();
  });

  /** A message has no address that is known before. */
  async function open(own: Page, view: string): Promise<void> {
    await show(own, view === "message" ? "queue?recipient=user04@" : view);
    if (view !== "message") return;
    await own.getByRole("link", { name: /user04/ }).click();
    await own.getByRole("heading", { name: "Header" }).waitFor();
  }

  for (const theme of ["light", "dark"] as const) {
    test(`every page is accessible and breaks no policy, ${theme}`, async () => {
      const own = await openTab(reader.browser, { url: rig.url, theme });
      await own.page.goto("/");
      await own.page.waitForSelector("input[name=password]");
      assert.deepEqual(await own.audit(), [], "login");
      await picture(own.page, `login-${theme}`);
      await logIn(own.page, "admin");
      for (const view of views) {
        await open(own.page, view);
        assert.deepEqual(await own.audit(), [], view);
        await picture(own.page, `${view}-${theme}`);
      }
      assert.deepEqual(own.complaints, []);
      await own.close();
    });
  }

  test("on a phone every page fits the screen", async () => {
    const own = await openTab(reader.browser, { url: rig.url, isPhone: true });
    await own.page.goto("/");
    await own.page.waitForSelector("input[name=password]");
    await picture(own.page, "login-phone");
    await logIn(own.page, "admin");
    for (const view of views) {
      await open(own.page, view);
      const width = await own.page.evaluate<number>("document.documentElement.scrollWidth");
      assert.ok(width <= 390, `${view} is ${width} wide`);
      assert.deepEqual(await own.audit(), [], view);
      await picture(own.page, `${view}-phone`);
    }
    await own.close();
  });

  test("a viewer is offered nothing that changes anything, and German is German", async () => {
    const own = await openTab(reader.browser, { url: rig.url });
    await logIn(own.page, "viewer");
    await show(own.page, "queue");
    await own.page.getByText(/^Recipients: /).waitFor();
    assert.equal(await own.page.getByRole("button", { name: "Bounce" }).count(), 0);
    assert.equal(await own.page.getByRole("link", { name: "Audit" }).count(), 0);
    await own.page.getByLabel("Language").selectOption("de");
    await own.page.getByRole("heading", { name: "Warteschlange" }).waitFor();
    await own.close();
  });

  test("a session that has ended brings the log-in back", async () => {
    await show(page, "overview");
    await page.context().clearCookies();
    await page.waitForSelector("input[name=password]");
    assert.deepEqual(tab.complaints, []);
  });
});
