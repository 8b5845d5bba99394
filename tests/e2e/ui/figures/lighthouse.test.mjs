// Bar 3: Lighthouse of the chat, as a phone and as a desk. Fetched by npm when it is asked for.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openWorld } from '../harness.mjs';
import { tell } from '../measuring.mjs';

const world = openWorld();
const VERSION = '12.8.2'; // the last one for Node 20
const BARS = { mobile: { performance: 95, accessibility: 100, 'best-practices': 100 },
               desktop: { performance: 98, accessibility: 100, 'best-practices': 100 } };

for (const [form, bars] of Object.entries(BARS)) {
  test(`Lighthouse, ${form}`, async () => {
    const cookie = world.state.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const report = `lighthouse-${form}.json`;
    await promisify(execFile)('npx', ['--yes', `lighthouse@${VERSION}`, world.line.url, '--quiet', '--output=json', `--output-path=${report}`,
      `--only-categories=${Object.keys(bars).join(',')}`, '--chrome-flags=--headless=new --no-sandbox', `--extra-headers=${JSON.stringify({ Cookie: cookie })}`,
      ...(form === 'desktop' ? ['--preset=desktop'] : [])],
      { env: { ...process.env, CHROME_PATH: process.env.CHROMIUM ?? '/usr/bin/chromium' }, maxBuffer: 2 ** 26 });
    const { categories, audits } = JSON.parse(await readFile(report, 'utf8'));
    const scores = Object.fromEntries(Object.entries(categories).map(([name, { score }]) => [name, Math.round(score * 100)]));
    await tell(`Lighthouse, ${form}`, scores);
    const failed = Object.values(categories).flatMap((c) => c.auditRefs.map(({ id }) => audits[id]))
      .filter((audit) => audit.scoreDisplayMode === 'binary' && audit.score === 0).map((audit) => audit.id);
    for (const [name, bar] of Object.entries(bars)) assert.ok(scores[name] >= bar, `${name} ${scores[name]}: ${failed.join(', ')}`);
  });
}
