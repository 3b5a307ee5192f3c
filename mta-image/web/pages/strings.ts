/**
 * Every word of the pages, once: key to English and German. A further language is a further column here and in
 * `languages`. {name} stands for what is put in.
 */
export const languages = ["en", "de"] as const;
export type Language = (typeof languages)[number];

const table = {
  accepted: ["accepted", "angenommen"],
  action: ["Action", "Aktion"],
  active: ["active", "aktiv"],
  add: ["Add", "Hinzufügen"],
  addPolicy: ["Add a policy", "Regel hinzufügen"],
  addSuspension: ["Suspend", "Aussetzen"],
  address: ["Address", "Adresse"],
  age: ["Age", "Alter"],
  agesDiffer: ["engines differ", "Server sind uneins"],
  apply: ["Search", "Suchen"],
  asked: ["Asked for", "Verlangt"],
  attempts: ["Attempts", "Versuche"],
  audit: ["Audit", "Protokoll"],
  auditNote: [
    "The latest actions that went through this server. Its log has them all.",
    "Die letzten Aktionen über diesen Server. Sein Log enthält alle.",
  ],
  between: ["Compare with", "Vergleichen mit"],
  blocked: ["Too long (most)", "Zu lang (höchstens)"],
  bounce: ["Bounce", "Zurückweisen"],
  calls: ["Calls", "Aufrufe"],
  cancel: ["Cancel", "Abbrechen"],
  changed: ["Changed {changed} of {matched}", "{changed} von {matched} geändert"],
  close: ["Close", "Schließen"],
  codes: ["Codes", "Codes"],
  concurrency: ["Attempts at once", "Versuche zugleich"],
  condition: ["Condition", "Bedingung"],
  config: ["Configuration", "Konfiguration"],
  configNote: [
    "What is in force. To change it, change the MailCluster or the engine's files; nothing is written from here.",
    "Was gilt. Geändert wird es im MailCluster oder in den Dateien des Servers; von hier wird nichts geschrieben.",
  ],
  connections: ["Deliveries now", "Zustellungen jetzt"],
  contentLines: ["First lines of content", "Erste Zeilen des Inhalts"],
  count: ["Count", "Anzahl"],
  countBefore: ["Recipients that this concerns: {count}", "Empfänger, die das betrifft: {count}"],
  crashed: ["{count} crashes", "{count} Abstürze"],
  dark: ["Dark", "Dunkel"],
  deferrals: ["put off", "aufgeschoben"],
  deferred: ["deferred", "aufgeschoben"],
  delete: ["Delete", "Löschen"],
  deleteNote: ["Nobody is told about mail that is deleted.", "Von gelöschter Post erfährt niemand."],
  delivered: ["delivered", "zugestellt"],
  deliveries: ["Deliveries", "Zustellungen"],
  destination: ["Destination", "Ziel"],
  destinations: ["By destination", "Nach Ziel"],
  direction: ["Direction", "Richtung"],
  distribution: ["Group by", "Gruppieren nach"],
  doIt: ["{action} ({count})", "{action} ({count})"],
  domain: ["Domain", "Domain"],
  due: ["Next try", "Nächster Versuch"],
  dueNow: ["due", "fällig"],
  ends: ["Ends", "Endet"],
  engine: ["Engine", "Server"],
  engines: ["Engines", "Server"],
  everything: ["everything", "alles"],
  failed: ["failed", "gescheitert"],
  fields: ["Counted by", "Gezählt nach"],
  files: ["File", "Datei"],
  filter: ["Filter", "Filter"],
  forSeconds: ["For (seconds)", "Für (Sekunden)"],
  from: ["Source", "Herkunft"],
  functions: ["Functions", "Funktionen"],
  grouping: ["Group", "Gruppe"],
  groups: ["Groups", "Gruppen"],
  health: ["Health", "Befinden"],
  headers: ["Header", "Kopfzeilen"],
  headersGone: ["The message cannot be read.", "Die Nachricht ist nicht lesbar."],
  hits: ["Listings found", "Gefundene Einträge"],
  hold: ["Hold", "Anhalten"],
  held: ["held", "angehalten"],
  id: ["Id", "Kennung"],
  idOfRule: ["Name", "Name"],
  inAll: ["Recipients: {count}", "Empfänger: {count}"],
  incoming: ["incoming", "eingehend"],
  inOneList: ["All that match", "Alle Treffer"],
  keyInUse: ["Key in use", "Benutzter Schlüssel"],
  job: ["Job", "Auftrag"],
  language: ["Language", "Sprache"],
  lastReply: ["Last reply", "Letzte Antwort"],
  latestAttempts: ["Latest attempts", "Letzte Versuche"],
  less: ["Fewer fields", "Weniger Felder"],
  light: ["Light", "Hell"],
  limit: ["Limits", "Grenzen"],
  listener: ["Listener", "Eingang"],
  live: ["live", "live"],
  loading: ["Loading …", "Lädt …"],
  logIn: ["Log in", "Anmelden"],
  logOut: ["Log out", "Abmelden"],
  lookups: ["What kept lookups from telling", "Was Abfragen am Antworten hinderte"],
  menu: ["Menu", "Menü"],
  message: ["Message", "Nachricht"],
  messageId: ["Message id", "Nachricht"],
  minAge: ["Older than (seconds)", "Älter als (Sekunden)"],
  minAttempts: ["Attempts, at least", "Versuche, mindestens"],
  missingLists: ["Lists that the key does not include", "Listen, die der Schlüssel nicht umfasst"],
  misused: ["{count} misuses", "{count} Fehlgriffe"],
  more: ["More fields", "Weitere Felder"],
  move: ["Move", "Verschieben"],
  moveTo: ["Where to (what is empty stays as it is)", "Wohin (was leer ist, bleibt)"],
  never: ["never", "nie"],
  nextRetry: ["Next try", "Nächster Versuch"],
  noDifference: ["no difference", "kein Unterschied"],
  noEngines: ["No engine has answered yet.", "Noch hat kein Server geantwortet."],
  noServer: ["The server does not answer.", "Der Server antwortet nicht."],
  nothing: ["Nothing here.", "Hier ist nichts."],
  notIn: ["asks nothing", "fragt nichts"],
  oldestDue: ["Oldest due", "Am längsten fällig"],
  onEngines: ["on {count} engines", "auf {count} Servern"],
  onlySession: ["Only session", "Nur Sitzung"],
  or: ["or", "oder"],
  origin: ["By", "Von"],
  outgoing: ["outgoing", "ausgehend"],
  overview: ["Overview", "Überblick"],
  password: ["Password", "Passwort"],
  plugins: ["Plugins", "Plugins"],
  policies: ["Policies", "Regeln"],
  queries: ["Questions", "Fragen"],
  queue: ["Queue", "Warteschlange"],
  queueByState: ["Recipients in the queue", "Empfänger in der Warteschlange"],
  rate: ["Rate (such as 100/60)", "Rate (etwa 100/60)"],
  rates: ["Messages and outcomes per second", "Nachrichten und Ergebnisse pro Sekunde"],
  reason: ["Why it waits", "Warum sie wartet"],
  receivedAt: ["Received", "Eingegangen"],
  recipient: ["Recipient", "Empfänger"],
  recipientDomain: ["Recipient domain", "Domain des Empfängers"],
  recipients: ["Recipients", "Empfänger"],
  refined: [
    "Only the first {count} are shown; narrow the search.",
    "Nur die ersten {count} sind zu sehen; bitte genauer suchen.",
  ],
  refusedExpired: [
    "This log-in has expired, or was begun in another browser. Try again.",
    "Diese Anmeldung ist abgelaufen oder begann in einem anderen Browser. Bitte noch einmal.",
  ],
  refusedName: [
    "The log-in service gave no usable name for you.",
    "Der Anmeldedienst nannte keinen brauchbaren Namen.",
  ],
  refusedProvider: [
    "The log-in service does not answer. Try again later.",
    "Der Anmeldedienst antwortet nicht. Bitte später noch einmal.",
  ],
  refusedRole: [
    "You are known, but have no role here. Ask whoever runs this cluster.",
    "Sie sind bekannt, haben hier aber keine Rolle. Fragen Sie, wer diesen Cluster betreibt.",
  ],
  refusedSignOn: [
    "The answer of the log-in service could not be used. Try again.",
    "Die Antwort des Anmeldedienstes war nicht zu gebrauchen. Bitte noch einmal.",
  ],
  release: ["Release", "Freigeben"],
  remoteIp: ["From address", "Von Adresse"],
  reply: ["Reply", "Antwort"],
  result: ["Result", "Ergebnis"],
  resultUnknown: [
    "Unknown on {count}: done there or not.",
    "Unbekannt auf {count}: dort geschehen oder nicht.",
  ],
  retry: ["Retry now", "Jetzt versuchen"],
  revision: ["Revision", "Fassung"],
  revisions: ["Revisions in force", "Geltende Fassungen"],
  role: ["Role", "Rolle"],
  rollout: ["Rollout", "Ausrollen"],
  rolloutDone: ["All engines run the same revision.", "Alle Server laufen mit derselben Fassung."],
  rolloutUnder: [
    "{count} revisions are in force: a canary is judged, or a roll-out is under way.",
    "{count} Fassungen gelten: Ein Vorreiter wird beurteilt, oder das Ausrollen läuft.",
  ],
  rolloutOff: [
    "Roll-outs are not ordered from here: webAdmin.rolloutOrders is off, or this is not Kubernetes. These commands do it:",
    "Von hier wird das Ausrollen nicht gesteuert: webAdmin.rolloutOrders ist aus, oder dies ist nicht Kubernetes. Diese Befehle tun es:",
  ],
  rolloutSilent: ["Kubernetes cannot be asked: {reason}", "Kubernetes ist nicht zu fragen: {reason}"],
  rolloutPaused: [
    "The whole cluster is paused (mailfleet.io/paused): an order given now is carried out when that ends.",
    "Der ganze Cluster ruht (mailfleet.io/paused): Was jetzt verlangt wird, geschieht erst danach.",
  ],
  rolloutWord: [
    "Ordered: {word}. The operator has it and has not finished.",
    "Verlangt: {word}. Der Operator hat es und ist nicht fertig.",
  ],
  rolloutHeld: [
    "Paused: it stays where it is until you resume it.",
    "Angehalten: Es bleibt, wo es ist, bis es weitergehen soll.",
  ],
  rolloutPhase: ["Phase", "Phase"],
  rolloutTarget: ["Wanted", "Gewollt"],
  rolloutLastGood: ["Last good", "Zuletzt gut"],
  rolloutCluster: ["MailCluster", "MailCluster"],
  pauseOrder: ["Pause", "Anhalten"],
  resumeOrder: ["Resume", "Fortsetzen"],
  promoteOrder: ["Promote", "Überall einführen"],
  rollbackOrder: ["Roll back", "Zurücknehmen"],
  pauseEffect: [
    "The roll-out of {target} stays where it is: engines that have it keep it, no other gets it, and nothing is judged. It goes on when you resume it.",
    "Das Ausrollen von {target} bleibt, wo es ist: Server, die es haben, behalten es, kein anderer bekommt es, und nichts wird beurteilt. Es geht weiter, wenn es fortgesetzt wird.",
  ],
  resumeEffect: [
    "The word that was given is taken back. The roll-out of {target} goes on by the rules of the MailCluster.",
    "Was verlangt war, wird zurückgenommen. Das Ausrollen von {target} geht nach den Regeln des MailClusters weiter.",
  ],
  promoteEffect: [
    "{target} goes to all engines now, however the canary does and however long it has been watched.",
    "{target} geht jetzt an alle Server, wie auch immer es dem Vorreiter geht und wie lange er beobachtet wurde.",
  ],
  rollbackEffect: [
    "All engines go back to {lastGood}. It stays so until the configuration in the MailCluster changes.",
    "Alle Server gehen zurück auf {lastGood}. So bleibt es, bis sich die Konfiguration im MailCluster ändert.",
  ],
  orderWrites: [
    "Written on MailCluster {cluster}: {change}. Nothing else is changed, and the audit log names you.",
    "Geschrieben am MailCluster {cluster}: {change}. Sonst ändert sich nichts, und das Protokoll nennt Sie.",
  ],
  orderTaken: ["Taken: {change}.", "Angenommen: {change}."],
  needsAdmin: [
    "Promoting and rolling back need the role admin.",
    "Einführen und Zurücknehmen verlangen die Rolle admin.",
  ],
  rulings: ["What checks came to", "Was Prüfungen ergaben"],
  said: ["Said", "Gesagt"],
  searchText: ["Sender, recipient or id", "Absender, Empfänger oder Kennung"],
  selected: ["{count} selected", "{count} gewählt"],
  selectAll: ["Select the rows that are loaded", "Geladene Zeilen wählen"],
  selectRow: ["Select {id}", "{id} wählen"],
  sender: ["Sender", "Absender"],
  senderDomain: ["Sender domain", "Domain des Absenders"],
  serverSaid: ["The server answered {status}.", "Der Server antwortete {status}."],
  session: ["Session", "Sitzung"],
  sessions: ["Sessions", "Sitzungen"],
  share: ["Failures", "Fehlschläge"],
  showAll: ["Show all", "Alle zeigen"],
  silentHead: [
    "{count} did not answer; what they have is missing here:",
    "{count} ohne Antwort; was sie haben, fehlt hier:",
  ],
  silent: ["does not answer", "antwortet nicht"],
  since: ["Since {time}", "Seit {time}"],
  size: ["Size", "Größe"],
  skip: ["To the content", "Zum Inhalt"],
  spamhaus: ["Spamhaus", "Spamhaus"],
  start: ["Start", "Starten"],
  startedAt: ["Running for", "Läuft seit"],
  state: ["State", "Zustand"],
  status: ["Status", "Status"],
  stop: ["Stop", "Anhalten"],
  subject: ["Subject", "Betreff"],
  suspensions: ["Suspensions", "Aussetzungen"],
  system: ["As the system", "Wie das System"],
  tag: ["Tag", "Marke"],
  tenant: ["Tenant", "Mandant"],
  theme: ["Theme", "Farben"],
  timeOf: ["Time", "Zeit"],
  trace: ["Trace", "Mitschnitt"],
  traceDropped: ["The oldest {count} lines were let go.", "Die ältesten {count} Zeilen sind fort."],
  traceEnded: ["{engine} ended: {reason}.", "{engine} endete: {reason}."],
  traceLines: ["Lines: {count}", "Zeilen: {count}"],
  traceNote: [
    "Sessions that begin from now on, in and out, on every engine. Passwords are masked before they leave an engine; content is shown only as far as you ask for it. Whoever starts a trace is written down.",
    "Sitzungen, die ab jetzt beginnen, ein und aus, auf jedem Server. Passwörter sind verdeckt, bevor sie einen Server verlassen; Inhalt ist nur zu sehen, soweit er verlangt wird. Wer einen Mitschnitt beginnt, wird festgehalten.",
  ],
  transport: ["Transport", "Transport"],
  ttl: ["Ends after (seconds)", "Endet nach (Sekunden)"],
  typeOf: ["Kind", "Art"],
  unclear: ["unclear", "unklar"],
  user: ["Name", "Name"],
  value: ["Value", "Wert"],
  well: ["well", "wohlauf"],
  version: ["Version", "Version"],
  waiting: ["Waiting", "Wartend"],
  warmUp: ["Warm-up", "Warmlaufen"],
  warmUpNote: [
    "Budgets of addresses that are being warmed up, as they are in force now.",
    "Budgets der Adressen, die gerade warmlaufen, wie sie jetzt gelten.",
  ],
  warmUpPlan: ["Plan (smtpd-policy.yaml)", "Plan (smtpd-policy.yaml)"],
} as const satisfies Readonly<Record<string, readonly [string, string]>>;

export type Key = keyof typeof table;

const KEY = "mailfleet-language";

let current: Language = initial();

function initial(): Language {
  if (typeof localStorage === "undefined") return "en";
  const stored = localStorage.getItem(KEY) ?? navigator.language.slice(0, 2);
  return languages.find((each) => each === stored) ?? "en";
}

export function language(): Language {
  return current;
}

export function setLanguage(next: Language): void {
  current = next;
  localStorage.setItem(KEY, next);
}

export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  const text: string = table[key][languages.indexOf(current)] ?? table[key][0];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A word of a closed list from the server; one that is not in the table is shown as it came. */
export function word(value: string): string {
  if (value === "hold") return t("held");
  return value in table ? t(value as Key) : value;
}
