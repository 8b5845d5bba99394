// Markdown to blocks, for text that is still being written. Pure: strings in, tokens out; what is
// drawn of them is made in view/tokens.tsx, element by element, so that no text becomes HTML.
//
// Blocks that can no longer change are kept as the same objects; only what follows them is parsed
// again.
import { Lexer, type Token, type Tokens, type TokensList } from 'marked';
import { mathExtensions } from './mathTokens';

export interface Block {
  key: number;
  raw: string;
  token: Token;
  level: number; // of a heading: 3 and more, for the page and the message have the first two
  growing: boolean; // it has code in it that may still grow
  code?: { lang: string; text: string; open: boolean };
}

// A list may swallow the block behind it, and a paragraph the line behind it: the last two blocks
// are never taken for final while the text grows.
const HELD_BACK = 2;
const HEADING_BASE = 2;
const OPTIONS = { gfm: true, breaks: false, async: false, extensions: mathExtensions };

function lex(text: string, links: TokensList['links']): TokensList {
  const lexer = new Lexer(OPTIONS);
  Object.assign(lexer.tokens.links, links);
  try {
    return lexer.lex(text);
  } catch {
    // Nested deeper than the stack is: as it was written.
    return Object.assign([{ type: 'paragraph', raw: text, text, tokens: [{ type: 'text', raw: text, text }] }],
                         { links: {} }) as TokensList;
  }
}

// Whether a fence is still open, so that its last line may grow.
function fenceIsOpen(raw: string): boolean {
  const fence = /^ {0,3}(`{3,}|~{3,})/.exec(raw);
  if (!fence) return false;
  const end = new RegExp(`\\n {0,3}${fence[1][0]}{${fence[1].length},}[ \\t]*\\n*$`);
  return !end.test(raw);
}

// Close what the writer has surely not finished yet, so that "**bo" does not flash as stars.
export function mend(text: string): string {
  const start = text.lastIndexOf('\n\n') + 1;
  const line = text.slice(start);
  if (/^\s*(`{3}|~{3})/.test(line) || /^( {4}|\t)/.test(line.replace(/^\n/, ''))) return text;
  const bare = line.replace(/\\./g, '  ');
  if ((bare.match(/`/g)?.length ?? 0) % 2) return `${text}\``;
  const outside = bare.replace(/`[^`]*`/g, (code) => ' '.repeat(code.length));
  const link = /(!?)\[([^\][]*)(\]\([^)\s]*)?$/.exec(outside);
  if (link && (link[3] || link[1])) {
    return text.slice(0, start + link.index) + text.slice(start + link.index + link[1].length + 1)
      .replace(/\]\([^)\s]*$/, '');
  }
  if ((outside.match(/\*\*/g)?.length ?? 0) % 2) {
    return /\*\*\s*$/.test(outside) ? text.replace(/\*\*\s*$/, '') : `${text.trimEnd()}**`;
  }
  return text;
}

export class MarkdownTail {
  private done: Block[] = [];
  private offset = 0; // of the first character that is not in `done`
  private level = HEADING_BASE;
  private links: TokensList['links'] = {};
  private tail: Block[] = [];
  private seen = '';
  private complete = false;

  // The blocks of `source`, which must begin with the source given before; `final`: it is complete.
  update(source: string, final: boolean): Block[] {
    const text = source.replace(/\r\n?/g, '\n');
    if (final && this.complete && text === this.seen) return this.done;
    if (this.complete || !text.startsWith(this.seen)) this.reset();
    this.seen = text;
    this.complete = final;
    if (final) return this.finish(text);

    const rest = text.slice(this.offset);
    const tokens = lex(rest, this.links);
    this.commit(tokens);
    const open = text.slice(this.offset);
    this.tail = this.render(lex(mend(open), this.links), this.tail, this.level, true).blocks;
    return [...this.done, ...this.tail];
  }

  private reset(): void {
    this.done = [];
    this.tail = [];
    this.offset = 0;
    this.level = HEADING_BASE;
    this.links = {};
  }

  private commit(tokens: TokensList): void {
    const blocks = tokens.filter((t) => t.type !== 'space').length;
    let take = blocks - HELD_BACK;
    if (take <= 0) return;
    const ready: Token[] = [];
    for (const token of tokens) {
      if (token.type !== 'space' && take-- === 0) break;
      ready.push(token);
    }
    Object.assign(this.links, tokens.links);
    const made = this.render(ready, this.tail, this.level, false, this.done.length);
    this.tail = this.tail.slice(made.blocks.length);
    this.done.push(...made.blocks);
    this.level = made.level;
    this.offset += ready.reduce((n, t) => n + t.raw.length, 0);
  }

  // Once more as a whole: a link's address may stand at the very end, a list may have become loose.
  private finish(text: string): Block[] {
    const before = [...this.done, ...this.tail];
    this.done = this.render(lex(text, {}), before, HEADING_BASE, false, 0).blocks;
    this.tail = [];
    this.offset = text.length;
    return this.done;
  }

  // Blocks of `tokens`; one that is as in `before` stays the same object.
  private render(tokens: Token[], before: Block[], level: number, growing: boolean,
                 first = this.done.length): { blocks: Block[]; level: number } {
    const blocks: Block[] = [];
    for (const token of tokens) {
      if (token.type === 'space' || token.type === 'def') continue;
      // Levels never skip one, whatever the text does, so that the outline of the page stays sound.
      if (token.type === 'heading') level = Math.min(token.depth + HEADING_BASE, level + 1, 6);
      const made = block(token, first + blocks.length, level, growing);
      const old = before[blocks.length];
      blocks.push(old && same(old, made) ? old : made);
    }
    return { blocks, level };
  }
}

export function langOf(code: Tokens.Code): string {
  return (code.lang ?? '').split(/\s/)[0];
}

function block(token: Token, key: number, level: number, growing: boolean): Block {
  if (token.type !== 'code') return { key, raw: token.raw, token, level, growing: growing && /```|~~~/.test(token.raw) };
  const code = token as Tokens.Code;
  const open = growing && code.codeBlockStyle !== 'indented' && fenceIsOpen(code.raw);
  return { key, raw: code.raw, token, level, growing, code: { lang: langOf(code), text: code.text, open } };
}

// A text that is the same may still mean something else: its references stand elsewhere.
function same(a: Block, b: Block): boolean {
  if (a.key !== b.key || a.raw !== b.raw || a.level !== b.level) return false;
  if (a.growing !== b.growing || a.code?.open !== b.code?.open) return false;
  return !a.raw.includes('[') || JSON.stringify(a.token) === JSON.stringify(b.token);
}

// All blocks of a text that is complete.
export function markdown(source: string): Block[] {
  return new MarkdownTail().update(source, true);
}
