// The page behind a proxy with TLS, under the name that server.public_url gives: by the link as it is printed.
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { answers, ARGS, composer, counts, ended, online, reply, say, says } from './harness.mjs';

const printed = () => /http[^\s"]+/.exec(execSync(process.env.NEXFLOW_LINK, { encoding: 'utf8' }))[0];
let browser;
const errors = [];

before(async () => {
  const link = new URL(printed());
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true,
    args: [...ARGS, `--host-resolver-rules=MAP ${link.hostname} 127.0.0.1`, '--ignore-certificate-errors'] });
});
after(async () => {
  await browser?.close();
  assert.deepEqual(errors, [], 'console errors and reports');
});

test('the printed link signs in, an answer is streamed, and the cookie is for TLS and this host alone', async () => {
  const link = printed();
  assert.match(link, /^https:\/\/nexflow\.example\.org:\d+\/#t=/);
  const context = await browser.newContext({ locale: 'en-GB' });
  const page = await context.newPage();
  page.on('pageerror', (e) => errors.push(String(e)));
  page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource/.test(m.text())) errors.push(m.text()); });

  await page.goto(link);
  await online(page);
  await say(page, 'by TLS');
  await ended(page);
  await says(answers(page).first().locator('.markdown'), reply('by TLS'));

  const [cookie, ...more] = await context.cookies();
  assert.deepEqual(more, []);
  assert.equal(cookie.name, '__Host-nexflow_session');
  assert.deepEqual([cookie.secure, cookie.httpOnly, cookie.sameSite, cookie.path, cookie.domain],
    [true, true, 'Strict', '/', 'nexflow.example.org']);

  await page.reload();
  await online(page);
  await counts(answers(page), 1);
  await page.evaluate(async () => fetch('/api/v1/auth/logout', { method: 'POST' }));
  assert.deepEqual(await context.cookies(), []);
  await page.reload();
  await counts(composer(page), 0);
});
