// What is drawn of Markdown: elements, made one by one from the tokens. There is no HTML in between,
// so nothing in a text can become an element that is not named here.
import type { ComponentChildren, FunctionComponent, VNode } from 'preact';
import type { Token, Tokens } from 'marked';
import { decode } from '../entities';
import { langOf } from '../markdown';
import type { MathToken } from '../mathTokens';

// What needs state of its own, handed in by who draws.
export interface Parts {
  Code: FunctionComponent<{ lang: string; text: string; open: boolean }>;
  Formula: FunctionComponent<{ text: string; display: boolean }>;
  growing: boolean;
  level: number;
}

const DEPTH_MAX = 40; // of lists and quotations in one another; deeper ones are shown as written
const REL = 'noopener noreferrer nofollow';

function safeHref(href: string): string | null {
  return /^(https?:\/\/|mailto:)/i.test(href) ? href : null;
}

type Draw = (tokens: Token[] | undefined, depth: number) => ComponentChildren;

function link(token: Tokens.Link, draw: Draw, depth: number): ComponentChildren {
  const href = safeHref(decode(token.href));
  const inside = draw(token.tokens, depth);
  return href ? <a href={href} target="_blank" rel={REL}>{inside}</a> : inside;
}

// Nothing is fetched from elsewhere because a model named it.
function image(token: Tokens.Image): ComponentChildren {
  const href = safeHref(decode(token.href));
  const name = decode(token.text || token.href);
  return href ? <a class="image" href={href} target="_blank" rel={REL}>{name}</a> : name;
}

function cells(row: Tokens.TableCell[], Cell: 'th' | 'td', draw: Draw, depth: number): VNode {
  return <tr>{row.map((cell) => <Cell align={cell.align ?? undefined}>{draw(cell.tokens, depth)}</Cell>)}</tr>;
}

function table(token: Tokens.Table, draw: Draw, depth: number): VNode {
  return (
    <div class="table" tabIndex={0}>
      <table>
        <thead>{cells(token.header, 'th', draw, depth)}</thead>
        <tbody>{token.rows.map((row) => cells(row, 'td', draw, depth))}</tbody>
      </table>
    </div>
  );
}

function item(token: Tokens.ListItem, draw: Draw, depth: number): VNode {
  // In a tight list the text of an item is no paragraph; a box not among the tokens comes first.
  const boxed = token.task && !token.tokens.some((t) => t.type === 'checkbox' || ('tokens' in t && t.tokens?.[0]?.type === 'checkbox'));
  return (
    <li class={token.task ? 'task' : undefined}>
      {boxed && box(Boolean(token.checked))}
      {draw(token.loose ? token.tokens : token.tokens.map((t) => (t.type === 'paragraph' ? { ...t, type: 'text' } : t)), depth)}
    </li>
  );
}

const box = (checked: boolean): VNode => <span class="box">{checked ? '☑ ' : '☐ '}</span>;

function list(token: Tokens.List, draw: Draw, depth: number): VNode {
  const items = token.items.map((one) => item(one, draw, depth));
  return token.ordered ? <ol start={Number(token.start) || 0}>{items}</ol> : <ul>{items}</ul>;
}

// The elements of `token`.
export function drawn(token: Token, parts: Parts): ComponentChildren {
  const draw: Draw = (tokens, depth) => tokens?.map((t) => one(t, depth + 1));

  const one = (token: Token, depth: number): ComponentChildren => {
    if (depth > DEPTH_MAX) return token.raw;
    const inside = (): ComponentChildren => draw((token as Tokens.Generic).tokens, depth);
    switch (token.type) {
      case 'paragraph': return <p>{inside()}</p>;
      case 'heading': {
        const Heading = `h${parts.level}` as 'h3';
        return <Heading>{inside()}</Heading>;
      }
      case 'blockquote': return <blockquote>{inside()}</blockquote>;
      case 'list': return list(token as Tokens.List, draw, depth);
      case 'table': return table(token as Tokens.Table, draw, depth);
      case 'code': return <parts.Code lang={langOf(token as Tokens.Code)} text={token.text} open={parts.growing} />;
      case 'math': {
        const { text, display } = token as unknown as MathToken;
        return <parts.Formula text={text} display={display} />;
      }
      case 'hr': return <hr />;
      case 'br': return <br />;
      case 'strong': return <strong>{inside()}</strong>;
      case 'em': return <em>{inside()}</em>;
      case 'del': return <del>{inside()}</del>;
      case 'codespan': return <code>{token.text}</code>;
      case 'link': return link(token as Tokens.Link, draw, depth);
      case 'image': return image(token as Tokens.Image);
      case 'checkbox': return box(Boolean((token as Tokens.Checkbox).checked));
      case 'escape': return token.text;
      case 'text': return (token as Tokens.Text).tokens ? inside() : decode(token.text);
      case 'html': return (token as Tokens.HTML).block ? <p class="as-is">{token.text}</p> : token.text;
      case 'space': case 'def': return null;
      default: return token.raw;
    }
  };
  return one(token, 0);
}
