/** The frame around every view: who is here, where one may go, which view the address means. */
import { useEffect, useState } from "preact/hooks";

import type { SessionView } from "#web/shared/web-api.ts";

import { api, listenForSessionEnd } from "./api.ts";
import { type Place, parsePlace, placeHref } from "./location.ts";
import { may } from "./may.ts";
import { type Key, type Language, language, languages, setLanguage, t, word } from "./strings.ts";
import { type Theme, applyTheme, storedTheme } from "./theme.ts";
import { AuditPage } from "./views/audit.tsx";
import { ConfigPage } from "./views/config.tsx";
import { DeliveriesPage } from "./views/deliveries.tsx";
import { LoginAgain, LoginPage } from "./views/login.tsx";
import { MessagePage } from "./views/message.tsx";
import { OverviewPage } from "./views/overview.tsx";
import { PluginsPage } from "./views/plugins.tsx";
import { QueuePage } from "./views/queue.tsx";
import { RolloutPage } from "./views/rollout.tsx";
import { RulesPage } from "./views/rules.tsx";
import { SpamhausPage } from "./views/spamhaus.tsx";
import { TracePage } from "./views/trace.tsx";
import { WarmUpPage } from "./views/warm-up.tsx";

const menu: readonly (readonly [view: string, title: Key, role: SessionView["role"]])[] = [
  ["overview", "overview", "viewer"],
  ["queue", "queue", "viewer"],
  ["rules", "policies", "viewer"],
  ["warm-up", "warmUp", "viewer"],
  ["deliveries", "deliveries", "viewer"],
  ["trace", "trace", "operator"],
  ["config", "config", "operator"],
  ["plugins", "plugins", "viewer"],
  ["spamhaus", "spamhaus", "viewer"],
  ["rollout", "rollout", "viewer"],
  ["audit", "audit", "admin"],
];

export function App() {
  const [session, setSession] = useState<SessionView | null | "asking">("asking");
  const [hasEnded, setEnded] = useState(false);
  const [place, setPlace] = useState<Place>(parsePlace(location.hash));
  const [, redraw] = useState(0);
  useEffect(() => {
    applyTheme(storedTheme());
    document.documentElement.lang = language();
    listenForSessionEnd(() => setEnded(true));
    const move = (): void => setPlace(parsePlace(location.hash));
    addEventListener("hashchange", move);
    api.session().then(setSession, () => setSession(null));
    return () => removeEventListener("hashchange", move);
  }, []);
  const speak = (next: Language): void => {
    setLanguage(next);
    document.documentElement.lang = next;
    redraw((n) => n + 1);
  };
  const begin = (next: SessionView): void => {
    // The word of a refusal in the address has been read.
    if (place.view === "login") location.hash = placeHref("overview");
    setEnded(false);
    setSession(next);
  };
  useEffect(() => {
    document.title = titleOf(session, place);
  });
  if (session === "asking") return null;
  if (session === null) return <LoginPage refused={place.query["refused"]} onSession={begin} />;
  return (
    <div class="frame" key={`${session.user} ${session.role}`}>
      {hasEnded && <LoginAgain onSession={begin} />}
      <button type="button" class="skip" onClick={toContent}>
        {t("skip")}
      </button>
      <Side session={session} place={place} onLeave={() => setSession(null)} onLanguage={speak} />
      <main id="content" tabIndex={-1} key={place.view}>
        <View place={place} session={session} />
      </main>
    </div>
  );
}

/** Of the window: what one looks at, of which cluster. */
function titleOf(session: SessionView | null | "asking", { view }: Place): string {
  if (session === null || session === "asking") return "Mailfleet";
  const [, title = "message"] = menu.find(([each]) => each === view) ?? [];
  return `${t(title)} – ${session.title}`;
}

/** No link: the address names a view. */
function toContent(): void {
  document.getElementById("content")?.focus();
}

function Side(props: {
  readonly session: SessionView;
  readonly place: Place;
  readonly onLeave: () => void;
  readonly onLanguage: (language: Language) => void;
}) {
  const { session, place, onLeave, onLanguage } = props;
  const leave = (): void =>
    void api.logout().then(({ next }) => {
      if (next !== null) location.href = next;
      onLeave();
    }, onLeave);
  return (
    <div class="side">
      <p class="brand">{session.title}</p>
      <nav aria-label={t("menu")}>
        <ul>
          {menu
            .filter(([, , role]) => may(session, role))
            .map(([view, title]) => (
              <li key={view}>
                <a
                  href={placeHref(view)}
                  {...(place.view === view ? { "aria-current": "page" as const } : {})}
                >
                  {t(title)}
                </a>
              </li>
            ))}
        </ul>
      </nav>
      <div class="who">
        <Preferences onLanguage={onLanguage} />
        <p>
          <b>{session.user}</b> <span class="muted">{word(session.role)}</span>
        </p>
        {session.canLogOut && (
          <button type="button" onClick={leave}>
            {t("logOut")}
          </button>
        )}
      </div>
    </div>
  );
}

function Preferences({ onLanguage }: { readonly onLanguage: (language: Language) => void }) {
  const [theme, setTheme] = useState(storedTheme());
  const paint = (next: Theme): void => {
    applyTheme(next);
    setTheme(next);
  };
  return (
    <div class="preferences">
      <select
        aria-label={t("theme")}
        value={theme}
        onChange={({ currentTarget }) => paint(currentTarget.value as Theme)}
      >
        {(["system", "light", "dark"] as const).map((each) => (
          <option key={each} value={each}>
            {t(each)}
          </option>
        ))}
      </select>
      <select
        aria-label={t("language")}
        value={language()}
        onChange={({ currentTarget }) => onLanguage(currentTarget.value as Language)}
      >
        {languages.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </div>
  );
}

function View({ place, session }: { readonly place: Place; readonly session: SessionView }) {
  const isOperator = may(session, "operator");
  switch (place.view) {
    case "queue":
      return <QueuePage query={place.query} mayChange={isOperator} />;
    case "message":
      return <MessagePage engine={place.parts[0] ?? ""} id={place.parts[1] ?? ""} mayChange={isOperator} />;
    case "rules":
      return <RulesPage mayChange={isOperator} />;
    case "warm-up":
      return <WarmUpPage />;
    case "deliveries":
      return <DeliveriesPage />;
    case "trace":
      return <TracePage />;
    case "config":
      return <ConfigPage />;
    case "plugins":
      return <PluginsPage />;
    case "spamhaus":
      return <SpamhausPage />;
    case "rollout":
      return <RolloutPage session={session} />;
    case "audit":
      return <AuditPage />;
    default:
      return <OverviewPage />;
  }
}
