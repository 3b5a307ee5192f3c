/** Label selectors as the fake API server understands them (pure): `a`, `!a`, `a=b`, `a==b`, `a!=b`, comma separated. */

export function matchesSelector(selector: string, labels: Readonly<Record<string, string>>): boolean {
  return selector
    .split(",")
    .filter((part) => part.trim() !== "")
    .every((part) => matchesPart(part.trim(), labels));
}

function matchesPart(part: string, labels: Readonly<Record<string, string>>): boolean {
  const match = /^(!?)([^=!]+?)(?:(!=|==?)(.*))?$/.exec(part);
  if (match === null) throw new Error(`bug: the fake does not understand the selector ${part}`);
  const [, not, key = "", operator, value = ""] = match;
  const actual = labels[key.trim()];
  if (operator === undefined) return (actual === undefined) === (not === "!");
  return operator === "!=" ? actual !== value.trim() : actual === value.trim();
}
