// Formulas in Markdown: \( \) and $ $ in a line, \[ \] and $$ $$ for themselves. Pure.
//
// A single $ is money far more often than mathematics: it opens only before something that is not a
// blank, and closes only behind such, with no digit after it, on the same line; and a number with words
// behind it is money.
import type { MarkedOptions, Token, TokenizerThis } from 'marked';

export interface MathToken {
  type: 'math';
  raw: string;
  text: string;
  display: boolean;
}

const FORMULA_MAX = 10000; // characters; longer ones stay text

const MONEY = /^[\d.,]+[,\s]+[a-z]{2,}/i;
const INLINE = [/^\\\(((?:[^\\]|\\[^)])+?)\\\)/, /^\$\$((?:[^$\\]|\\[^])+?)\$\$/,
                /^\$(?![\s$])((?:[^$\\\n]|\\[^\n])*?[^\s$\\]|\\[^\s])\$(?![\d$])/];
const BLOCK = [/^ {0,3}\\\[([^]+?)\\\][ \t]*(?:\n|$)/, /^ {0,3}\$\$((?:[^$\\]|\\[^])+?)\$\$[ \t]*(?:\n|$)/];

function find(patterns: readonly RegExp[], source: string, display: boolean): MathToken | undefined {
  for (const [i, pattern] of patterns.entries()) {
    const match = pattern.exec(source.slice(0, FORMULA_MAX));
    if (match && i === 2 && MONEY.test(match[1])) return undefined;
    if (match) return { type: 'math', raw: match[0], text: match[1].trim(), display: display || (patterns === INLINE && i === 1) };
  }
  return undefined;
}

const startOf = (pattern: RegExp) => (source: string): number | undefined => {
  const at = source.search(pattern);
  return at < 0 ? undefined : at;
};

type Extensions = NonNullable<MarkedOptions['extensions']>;

export const mathExtensions: Extensions = {
  renderers: {},
  childTokens: {},
  inline: [function (this: TokenizerThis, source: string) { return find(INLINE, source, false) as Token | undefined; }],
  block: [function (this: TokenizerThis, source: string) { return find(BLOCK, source, true) as Token | undefined; }],
  startInline: [startOf(/\$|\\\(/)],
  startBlock: [startOf(/\n {0,3}(?:\$\$|\\\[)/)],
};
