// Bar 3: Lighthouse of the page, as a phone and as a desk: as who is not signed in sees it, of the chat,
// and of pages of the owner. Fetched by npm when it is asked for.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ended, online, openWorld, say } from '../harness.mjs';
import { tell } from '../measuring.mjs';

const world = openWorld();
const VERSION = '12.8.2'; // the last one for Node 20
const SPEED = { mobile: 95, desktop: 98 };
const PLACES = { 'signed out': '/', chat: '/', conversation: null, overview: '/#/overview', models: '/#/models', settings: '/#/settings' };

// A conversation with something in it.
async function conversation() {
  const page = await world.tab(await world.window());
  await online(page);
  await say(page, '# Title\n\n- one\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```c\nint main(void);\n```');
  await ended(page);
  return `/${await page.evaluate(() => location.hash)}`;
}

async function audit(form, path, signedIn) {
  const report = `lighthouse-${form}.json`;
  const cookie = world.state.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  await promisify(execFile)('npx', ['--yes', `lighthouse@${VERSION}`, world.line.url + path, '--quiet', '--output=json', `--output-path=${report}`,
    '--only-categories=performance,accessibility,best-practices', '--chrome-flags=--headless=new --no-sandbox',
    ...(signedIn ? [`--extra-headers=${JSON.stringify({ Cookie: cookie })}`] : []), ...(form === 'desktop' ? ['--preset=desktop'] : [])],
    { env: { ...process.env, CHROME_PATH: process.env.CHROMIUM ?? '/usr/bin/chromium' }, maxBuffer: 2 ** 26 });
  const { categories, audits } = JSON.parse(await readFile(report, 'utf8'));
  const failed = Object.values(categories).flatMap((c) => c.auditRefs.map(({ id }) => audits[id]))
    .filter((one) => one.scoreDisplayMode === 'binary' && one.score === 0).map((one) => one.id);
  return { scores: Object.fromEntries(Object.entries(categories).map(([name, { score }]) => [name, Math.round(score * 100)])), failed };
}

for (const form of ['mobile', 'desktop']) {
  for (const [place, path] of Object.entries(PLACES)) {
    test(`Lighthouse, ${form}, ${place}`, async () => {
      const { scores, failed } = await audit(form, path ?? await conversation(), place !== 'signed out');
      await tell(`Lighthouse, ${form}, ${place}`, scores);
      assert.equal(scores.accessibility, 100, failed.join(', '));
      assert.equal(scores['best-practices'], 100, failed.join(', '));
      if (place === 'chat') assert.ok(scores.performance >= SPEED[form], `${scores.performance}: ${failed.join(', ')}`);
    });
  }
}
