// Markdown to blocks, for text that is still being written. Pure: strings in, strings out.
//
// Blocks that can no longer change are kept as the same objects; only what follows them is parsed
// again. The HTML is built so that raw HTML in the text is shown as text, but whoever puts it into
// the document still has to sanitise it.
import { Lexer, Parser, Renderer, type Token, type Tokens, type TokensList } from 'marked';

export interface Block {
  key: number;
  raw: string;
  code?: { lang: string; text: string; open: boolean };
  html?: string;
}

// A list may swallow the block behind it, and a paragraph the line behind it: the last two blocks
// are never taken for final while the text grows.
const HELD_BACK = 2;
const HEADING_BASE = 2; // the page and the message have the first two levels
const OPTIONS = { gfm: true, breaks: false, async: false } as const;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function safeHref(href: string): string | null {
  return /^(https?:\/\/|mailto:)/i.test(href) ? href : null;
}

class PageRenderer extends Renderer {
  level = HEADING_BASE;

  override html({ text }: Tokens.HTML | Tokens.Tag): string {
    return escapeHtml(text);
  }

  // Levels never skip one, whatever the text does, so that the outline of the page stays sound.
  override heading({ tokens, depth }: Tokens.Heading): string {
    this.level = Math.min(depth + HEADING_BASE, this.level + 1, 6);
    return `<h${this.level}>${this.parser.parseInline(tokens)}</h${this.level}>`;
  }

  override link({ href, tokens }: Tokens.Link): string {
    const text = this.parser.parseInline(tokens);
    const safe = safeHref(href);
    if (!safe) return text;
    const to = escapeHtml(safe);
    return `<a href="${to}" target="_blank" rel="noopener noreferrer nofollow">${text}</a>`;
  }

  // Nothing is fetched from elsewhere because a model named it.
  override image({ href, text }: Tokens.Image): string {
    const name = escapeHtml(text || href);
    const safe = safeHref(href);
    if (!safe) return name;
    const to = escapeHtml(safe);
    return `<a class="image" href="${to}" target="_blank" rel="noopener noreferrer nofollow">${name}</a>`;
  }

  override checkbox({ checked }: Tokens.Checkbox): string {
    return `<span class="box">${checked ? '☑' : '☐'}</span> `;
  }

  override table(token: Tokens.Table): string {
    return `<div class="table" tabindex="0">${super.table(token)}</div>`;
  }

  override code({ text, lang }: Tokens.Code): string {
    const name = escapeHtml((lang ?? '').split(/\s/)[0]);
    return `<pre tabindex="0" data-lang="${name}"><code>${escapeHtml(text)}</code></pre>`;
  }
}

function lex(text: string, links: TokensList['links']): TokensList {
  const lexer = new Lexer(OPTIONS);
  Object.assign(lexer.tokens.links, links);
  return lexer.lex(text);
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
    const renderer = new PageRenderer(OPTIONS);
    const parser = new Parser({ ...OPTIONS, renderer });
    renderer.level = level;
    const blocks: Block[] = [];
    for (const token of tokens) {
      if (token.type === 'space' || token.type === 'def') continue;
      const made = this.block(token, first + blocks.length, parser, growing);
      const old = before[blocks.length];
      blocks.push(old && same(old, made) ? old : made);
    }
    return { blocks, level: renderer.level };
  }

  private block(token: Token, key: number, parser: Parser, growing: boolean): Block {
    if (token.type === 'code') {
      const code = token as Tokens.Code;
      const lang = (code.lang ?? '').split(/\s/)[0];
      const open = growing && code.codeBlockStyle !== 'indented' && fenceIsOpen(code.raw);
      return { key, raw: code.raw, code: { lang, text: code.text, open } };
    }
    return { key, raw: token.raw, html: parser.parse([token]) };
  }
}

function same(a: Block, b: Block): boolean {
  return a.key === b.key && a.html === b.html && a.code?.text === b.code?.text &&
    a.code?.lang === b.code?.lang && a.code?.open === b.code?.open;
}

// All blocks of a text that is complete.
export function markdown(source: string): Block[] {
  return new MarkdownTail().update(source, true);
}
