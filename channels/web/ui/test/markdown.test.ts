import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lexer } from 'marked';
import type { ComponentChildren, VNode } from 'preact';
import { MarkdownTail, markdown, mend, type Block } from '../src/markdown';
import { drawn } from '../src/view/tokens';

const SAMPLE = `# Title

A paragraph with **bold**, *soft*, \`code\` and a [link](https://example.org/a).

- one
- two
  - inner

1. first
2. second

\`\`\`python
def f():

    return "x"
\`\`\`

| a | b |
|---|--:|
| 1 | 2 |

> quoted

See [the reference][ref].

[ref]: https://example.org/ref
`;

const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

// The elements as HTML; what has state of its own shows its properties.
function asHtml(node: ComponentChildren): string {
  if (node === null || node === undefined || typeof node === 'boolean') return '';
  if (Array.isArray(node)) return node.map(asHtml).join('');
  if (typeof node !== 'object') return escaped(String(node));
  const { type, props } = node as VNode<Record<string, unknown>>;
  const { children, ...rest } = props;
  const attributes = Object.entries(rest).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [` ${name}="${escaped(String(value))}"`]).join('');
  const name = typeof type === 'string' ? type : `x-${type.name}`;
  return `<${name}${attributes}>${asHtml(children as ComponentChildren)}</${name}>`;
}

const shown = ({ token, level, growing }: Block): string =>
  asHtml(drawn(token, { Code: function code() { return null; }, Formula: function math() { return null; }, growing, level }));
const html = (source: string): string => markdown(source).map(shown).join('\n');

test('a text cut anywhere ends as the same text in one piece', () => {
  const whole = markdown(SAMPLE).map(shown);
  for (const step of [1, 7, 64]) {
    const tail = new MarkdownTail();
    for (let end = step; end < SAMPLE.length; end += step) tail.update(SAMPLE.slice(0, end), false);
    const blocks = tail.update(SAMPLE, true).map(shown);
    assert.deepEqual(blocks, whole);
  }
});

test('blocks far from the end stay the same objects', () => {
  const tail = new MarkdownTail();
  const before = tail.update('one\n\ntwo\n\nthree\n\nfour\n\nfi', false);
  const after = tail.update('one\n\ntwo\n\nthree\n\nfour\n\nfive and six', false);
  assert.equal(after[0], before[0]);
  assert.equal(after[1], before[1]);
  assert.equal(after[3], before[3]);
  assert.notEqual(after[4], before[4]);
});

test('completing a text keeps the blocks that it does not change', () => {
  const tail = new MarkdownTail();
  const before = tail.update('one\n\ntwo\n\nthree', false);
  const after = tail.update('one\n\ntwo\n\nthree', true);
  assert.deepEqual(after.map((b, i) => b === before[i]), [true, true, true]);
});

test('keys are unique and in order however the text arrives', () => {
  const tail = new MarkdownTail();
  for (let end = 1; end <= SAMPLE.length; end++) {
    const keys = tail.update(SAMPLE.slice(0, end), false).map((b) => b.key);
    assert.deepEqual(keys, keys.map((_, i) => i));
  }
});

test('only what follows the kept blocks is parsed again', (t) => {
  const tail = new MarkdownTail();
  const text = 'A paragraph of some length that stays.\n\n'.repeat(3000);
  tail.update(text, false);
  const lex = t.mock.method(Lexer.prototype, 'lex');
  tail.update(`${text}and its end`, false);
  const parsed = lex.mock.calls.reduce((n, call) => n + String(call.arguments[0]).length, 0);
  assert.ok(parsed > 0 && parsed < 500, `${parsed} characters parsed for 11 new ones`);
});

test('a text that is not a continuation is begun anew', () => {
  const tail = new MarkdownTail();
  tail.update('old **text**\n\nmore\n\nand more\n\nend', false);
  assert.equal(shown(tail.update('new', false)[0]), '<p>new</p>');
});

test('raw HTML is shown as text', () => {
  const out = html('<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b');
  assert.ok(!/<(script|img)/.test(out), out);
  assert.ok(out.includes('&#60;script&#62;'));
});

test('links that are neither web nor mail are their text', () => {
  const out = html('[a](javascript:alert(1)) [b](JAVASCRIPT:x) [c](data:text/html,x) [d](//evil) [e](mailto:a@b.c)');
  assert.equal(out.match(/<a /g)?.length, 1);
  assert.ok(out.includes('href="mailto:a@b.c"'));
});

test('an image is a link and loads nothing', () => {
  const out = html('![a "cat"](https://example.org/c.png)');
  assert.ok(!out.includes('<img'));
  assert.ok(out.includes('href="https://example.org/c.png"') && out.includes('rel="noopener'));
});

test('quotes cannot leave an attribute', () => {
  const out = html('[x](<https://e.org/" onmouseover="alert(1)>)\n\n```a"b\nc\n```\n\n- ```q"onx=\n  y\n  ```');
  assert.ok(!/" on/.test(out), out);
});

test('headings never skip a level', () => {
  const levels = [...html('#### a\n\n# b\n\n###### c').matchAll(/<h(\d)/g)].map((m) => m[1]);
  assert.deepEqual(levels, ['3', '3', '4']);
});

test('a fence is open until its end has come', () => {
  const tail = new MarkdownTail();
  assert.equal(tail.update('```c\nint x;', false)[0].code?.open, true);
  assert.equal(tail.update('```c\nint x;\n```\n', false)[0].code?.open, false);
  assert.equal(tail.update('```c\nint x;\n```\n', true)[0].code?.text, 'int x;');
});

test('what is begun at the end of a growing text is closed', () => {
  assert.equal(mend('a **bo'), 'a **bo**');
  assert.equal(mend('a **'), 'a ');
  assert.equal(mend('run `ls'), 'run `ls`');
  assert.equal(mend('see [the page](https://exa'), 'see the page');
  assert.equal(mend('done **x** and `y`'), 'done **x** and `y`');
  assert.equal(mend('```\na ** b'), '```\na ** b');
});

test('carriage returns do not matter', () => {
  assert.equal(html('a\r\n\r\nb'), html('a\n\nb'));
});

test('what a name or number stands for is shown, what is none stays', () => {
  assert.equal(html('a &amp; b &lt;c&gt; &copy; &#8364; &#x20ac; &nosuch; &constructor;'),
    '<p>a &#38; b &#60;c&#62; © € € &#38;nosuch; &#38;constructor;</p>');
  assert.ok(!html('[x](&#106;avascript:alert(1))').includes('href'));
});

test('formulas are found, and money is not', () => {
  const found = (source: string): string[] => [...html(source).matchAll(/<x-math text="([^"]*)" *(?:display="(\w+)")?/g)].map((m) => m[1]);
  assert.deepEqual(found('so $a^2 + b^2 = c^2$ and \\(x_1\\) hold'), ['a^2 + b^2 = c^2', 'x_1']);
  assert.deepEqual(found('$$\n\\frac{a}{b}\n$$'), ['\\frac{a}{b}']);
  assert.deepEqual(found('text\n\\[\nx * y * z\n\\]\nmore'), ['x * y * z']);
  assert.deepEqual(found('it costs $5 and $10, or US$ 7 to $8'), []);
  assert.deepEqual(found('`$x$` and \\$y$'), []);
  assert.match(html('a $$x$$ b'), /display="true"/);
});

test('a line of a list with a box has one box', () => {
  for (const source of ['- [ ] a\n- [x] b', '- [ ] a\n\n- [x] b']) {
    assert.equal(html(source).match(/class="box"/g)?.length, 2, source);
  }
});

test('what is nested without end is shown, not followed', () => {
  for (const source of ['> '.repeat(2000), '- '.repeat(3000), '['.repeat(20000), '**a '.repeat(3000)]) {
    assert.ok(html(`${source}x`).length > 0);
  }
});
