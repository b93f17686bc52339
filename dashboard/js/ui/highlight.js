// Colours for code: comments, strings, numbers and common keywords of many languages. Pure, and bounded.

/** Longer code is shown without colours. */
export const CHARS_MAX = 20_000;

const WORDS =
  "as async await break case catch class const continue def del do elif else enum except export extends " +
  "false False finally fn for from func function if impl import in interface is lambda let loop match " +
  "mod mut new nil None not null or and package pass pub raise return self static struct super switch " +
  "this throw trait true True try type use var void where while with yield";
const KEYWORDS = new Set(WORDS.split(" "));
/** Languages in which `#` begins a comment. */
const HASH = /^(py|python|sh|bash|shell|yaml|yml|toml|rb|ruby|dockerfile|make)$/;

/** `[{kind: "" | "comment" | "string" | "number" | "keyword", text}]`. */
export function tokens(code, language = "") {
  if (code.length > CHARS_MAX) return [{ kind: "", text: code }];
  const comment = HASH.test(language) ? "#[^\\n]*" : "//[^\\n]*|/\\*[^]*?(?:\\*/|$)";
  const pattern = new RegExp(
    `(${comment})|("(?:[^"\\\\\\n]|\\\\.)*"?|'(?:[^'\\\\\\n]|\\\\.)*'?)|\\b(\\d[\\w.]*)|([A-Za-z_]\\w*)`,
    "g",
  );
  const found = [];
  const add = (kind, text) => {
    if (!text) return;
    const last = found.at(-1);
    if (last?.kind === kind) last.text += text;
    else found.push({ kind, text });
  };
  let at = 0;
  for (const match of code.matchAll(pattern)) {
    const [whole, remark, string, number, word] = match;
    add("", code.slice(at, match.index));
    if (remark) add("comment", whole);
    else if (string) add("string", whole);
    else if (number) add("number", whole);
    else add(KEYWORDS.has(word) ? "keyword" : "", whole);
    at = match.index + whole.length;
  }
  add("", code.slice(at));
  return found;
}
