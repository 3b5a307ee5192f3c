/** Dates of header fields (RFC 5322 3.3), in UTC. */

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function mailDate(seconds: number): string {
  const date = new Date(Math.trunc(seconds) * 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  const day = `${days[date.getUTCDay()]}, ${two(date.getUTCDate())} ${months[date.getUTCMonth()]}`;
  return `${day} ${date.getUTCFullYear()} ${time} +0000`;
}
