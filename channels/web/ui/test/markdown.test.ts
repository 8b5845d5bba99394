import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MarkdownTail, markdown, mend } from '../src/markdown';

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

const html = (source: string): string => markdown(source).map((b) => b.html ?? b.code?.text).join('\n');

test('a text cut anywhere ends as the same text in one piece', () => {
  const whole = markdown(SAMPLE).map(({ html, code }) => ({ html, code }));
  for (const step of [1, 7, 64]) {
    const tail = new MarkdownTail();
    for (let end = step; end < SAMPLE.length; end += step) tail.update(SAMPLE.slice(0, end), false);
    const blocks = tail.update(SAMPLE, true).map(({ html, code }) => ({ html, code }));
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

test('only what follows the kept blocks is parsed again', () => {
  const tail = new MarkdownTail();
  const text = 'A paragraph of some length that stays.\n\n'.repeat(3000);
  tail.update(text, false);
  const begin = performance.now();
  for (let i = 1; i <= 100; i++) tail.update(`${text}${'x'.repeat(i)}`, false);
  const perUpdate = (performance.now() - begin) / 100;
  assert.ok(perUpdate < 5, `${perUpdate} ms for an update of a 120 KB text`);
});

test('a text that is not a continuation is begun anew', () => {
  const tail = new MarkdownTail();
  tail.update('old **text**\n\nmore\n\nand more\n\nend', false);
  assert.equal(tail.update('new', false)[0].html, '<p>new</p>\n');
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
