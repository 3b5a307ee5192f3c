/**
 * Commands that pages show (pure): in blocks without a language or for a shell, in lines that are set in by four spaces, and
 * between backquotes. A command goes from its program to the end of the line, to a pipe, or to what joins it to another; lines that
 * end with a backslash go on.
 */
const PROGRAMS = /^(?:kubectl|helm|make|mtactl)$/;

export function commandsOf(page: string): readonly (readonly string[])[] {
  const text = page.replaceAll(/\\\n\s*/g, " ");
  const blocks = [...text.matchAll(/^```(?:sh|bash|text)?\n([\s\S]*?)^```$/gm)].map(
    ([, block = ""]) => block,
  );
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, "");
  const setIn = prose.split("\n").filter((line) => line.startsWith("    "));
  const quoted = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  const lines = [...blocks.flatMap((block) => block.split("\n")), ...setIn, ...quoted];
  return lines.flatMap((line) => {
    const parts = split(line.trim().replaceAll("\\|", "|"));
    return parts.filter(([program = "", first]) => PROGRAMS.test(program) && first !== undefined);
  });
}

/** Words of each command of a line; quotes hold words together, and a word that begins with # is the rest of the line. */
function split(line: string): readonly (readonly string[])[] {
  const words = [...line.matchAll(/(?:[^\s'"|;&]|'[^']*'|"[^"]*"|&(?!&))+|\|\|?|&&|;/g)].map(
    ([word]) => word,
  );
  const end = words.findIndex((word) => word.startsWith("#"));
  const commands: string[][] = [[]];
  for (const word of end === -1 ? words : words.slice(0, end))
    if (/^(?:\|\|?|&&|;)$/.test(word)) commands.push([]);
    else commands.at(-1)?.push(word.replaceAll(/['"]/g, ""));
  return commands;
}
