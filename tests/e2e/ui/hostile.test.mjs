import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ended, eventually, online, openWorld, say } from './harness.mjs';

const world = openWorld();

const CORPUS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<a href="javascript:alert(1)">x</a>',
  '[x](javascript:alert(1)) [x](JaVaScRiPt:alert(1)) [x](java\nscript:alert(1))',
  '[x](&#106;avascript:alert(1)) [x](data:text/html;base64,PHNjcmlwdD4=) [x](vbscript:x)',
  '[x](<javascript:alert(1)>) <javascript:alert(1)> [x][y]\n\n[y]: javascript:alert(1)',
  '![x](javascript:alert(1)) ![x](https://example.invalid/track.png) ![x"onerror="alert(1)](x)',
  '[x](https://e.org/"onmouseover="alert(1)) [x](https://e.org "title\\" onclick=\\"alert(1)")',
  '```"><img/src=x/onerror=alert(1)>\ncode\n```',
  '```html\n<script>alert(1)</script><img src=x onerror=alert(1)>\n```',
  '- ```"onfocus="alert(1)\n  <b>\n  ```',
  '| <img src=x onerror=alert(1)> | b |\n|---|---|\n| `<script>` | <svg/onload=alert(1)> |',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<form action="//evil"><input name=attributes><button formaction=javascript:alert(1)>x</button></form>',
  '<style>*{background:url(//evil)}</style><link rel=stylesheet href=//evil><meta http-equiv=refresh content="0;url=//evil"><base href=//evil>',
  '<div id="composer" class="scrim" style="position:fixed;inset:0">',
  '<!--<img src="--><img src=x onerror=alert(1)//">',
  '# <img src=x onerror=alert(1)>\n\n> <details open ontoggle=alert(1)>\n\n**<b onmouseover=alert(1)>x**',
  `${'['.repeat(500)}${'*'.repeat(500)}${'> '.repeat(60)}x`,
  `${'`'.repeat(301)} ${'<'.repeat(300)} ${'\\'.repeat(301)}`,
  '\u202Egnp.exe \u0000 \uFFFD &lt;script&gt;alert(1)&lt;/script&gt;',
];

test('nothing that a model writes runs, loads or breaks out', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  const foreign = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(world.line.url)) foreign.push(request.url());
  });
  for (const [i, text] of CORPUS.map((t) => t.replaceAll('\u0000', '')).entries()) {
    await say(page, `Look:\n\n${text}`);
    await ended(page, i + 1);
  }
  await page.locator('figure.code .hljs-tag').first().waitFor(); // what gives code its colours has run
  const found = await page.locator('.message.assistant').evaluateAll((messages) =>
    messages.flatMap((message) => [...message.querySelectorAll(':not(.answer-foot > a)')]).flatMap((element) => {
      const bad = /^(script|img|iframe|form|input|style|link|meta|base|object|embed|math|video|audio|noscript)$/i;
      const attributes = [...element.attributes].filter((a) =>
        /^(on|style$|src|id$|form|action)/i.test(a.name) || (a.name === 'href' && !/^(https?|mailto):/.test(a.value)));
      return [...(bad.test(element.tagName) ? [element.tagName] : []), ...attributes.map((a) => `${a.name}=${a.value}`)];
    }));
  assert.deepEqual(found, []);
  // Requests are told in order: when this one is, those before it were.
  const told = page.waitForRequest(/health/);
  await page.evaluate(() => fetch('/health'));
  await told;
  assert.deepEqual(foreign, []);
  const rels = await page.locator('.message.assistant .markdown a').evaluateAll((links) => links.map((a) => a.rel));
  assert.ok(rels.length > 0 && rels.every((rel) => rel.includes('noopener')));
});

test('the policies of the page are in force', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  const refused = await page.evaluate(() => {
    try {
      document.createElement('div').innerHTML = '<b>x</b>';
      return false;
    } catch {
      return true;
    }
  });
  assert.ok(refused, 'Trusted Types refuse a plain string');
  await eventually(() => assert.match(world.errors.join(), /CSP require-trusted-types-for/, 'and it was reported'));
  world.errors.length = 0;
});
