// What the page may cost: bytes and requests of the first load, elements of a huge thread, frames of a
// long answer. Times are told, not judged: NEXFLOW_FIGURES names a file for them.
import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { composer, ended, eventually, longText, offline, online, openWorld, say, sayElsewhere, triesAgain } from '../harness.mjs';
import { at, frames, judge, tell, tokens, watchFrames, watchTokens, workOf } from '../measuring.mjs';

const world = openWorld();
const KIB = 1024;

const sizeOf = async (file) => (await stat(join(process.env.NF_UI_FILES, file))).size;

test('the first picture needs little', async () => {
  const context = await world.window({ serviceWorkers: 'block' });
  const page = await context.newPage();
  const asked = [];
  page.on('request', (request) => asked.push(request));
  await page.goto(world.line.url);
  await page.getByText('What shall we work on?').waitFor();
  const files = new Map();
  const painted = await eventually(async () => {
    const at = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    assert.ok(at, 'nothing was painted');
    return at;
  });
  // The files that stood in the way of it: those that the document names.
  const named = await page.evaluate(() => [location.pathname, ...[...document.querySelectorAll('link[rel=stylesheet], link[rel=modulepreload], script[src], link[rel=icon]')]
    .map((e) => new URL(e.href ?? e.src).pathname)]);
  for (const path of new Set(named)) {
    const file = path === '/' ? 'index.html' : path.slice(1);
    files.set(path, await sizeOf(`${file}.gz`));
  }
  const bytes = [...files.values()].reduce((a, b) => a + b, 0);
  const assets = asked.filter((r) => !r.url().includes('/api/') && r.resourceType() !== 'websocket').length;
  await tell('first load', { gz: bytes, files: files.size, assets, fcp_ms: Math.round(painted) });
  assert.ok(bytes <= 60 * KIB, `${bytes} bytes`);
  assert.ok(files.size <= 8, [...files.keys()].join(' '));
  judge(['first picture, ms', painted, 1000]);
  await context.close();
});

test('no part that comes later is large, nor is all of it', async () => {
  const sizes = new Map();
  for (const file of await readdir(process.env.NF_UI_FILES)) if (file.endsWith('.gz')) sizes.set(file, await sizeOf(file));
  assert.ok(sizes.size > 10);
  assert.deepEqual([...sizes].filter(([, bytes]) => bytes > 80 * KIB), []);
  const total = [...sizes.values()].reduce((a, b) => a + b);
  await tell('the page', { gz: total, largest: Math.max(...sizes.values()) });
  assert.ok(total <= 250 * KIB, `${total} bytes`);
});

test('a thread of ten thousand messages has few elements, and can be scrolled and typed in', async () => {
  const session = world.mock.newSession('ten thousand');
  for (let i = 1; i < 10000; i += 2) {
    world.mock.wrote(session, `question ${i}`, `answer **${i + 1}** with \`code\`\n\n- one\n- two\n\nand a [link](https://example.org)`);
  }
  const opened = performance.now();
  const context = await world.window();
  const page = await world.tab(context, `/#/s/${session.id}`);
  await page.locator('.bubble', { hasText: 'question 9999' }).waitFor();
  const open = performance.now() - opened;
  // Thousands of them into the browser, as who scrolls up for long would; in few steps, for they are
  // not what is measured.
  world.mock.pageOf = 400;
  for (let i = 0; i < 10; i++) {
    const turns = 25 + (i + 1) * world.mock.pageOf / 2;
    await page.waitForFunction((n) => { // by the button, or because its end was reached
      const there = document.querySelectorAll('.group').length >= n;
      if (!there) document.querySelector('button.older')?.click();
      return there;
    }, Math.floor(turns / 20), { polling: 200 });
  }
  world.mock.pageOf = undefined;
  await page.locator('.transcript').evaluate((box) => (box.scrollTop = box.scrollHeight * 0.6));
  const work = await workOf(context, page);
  const steps = await page.evaluate(async () => {
    const box = document.querySelector('.transcript');
    const times = [];
    let last = performance.now();
    for (let i = 0; i < 120; i++) {
      box.scrollTop -= 120; // as a wheel does
      await new Promise(requestAnimationFrame);
      times.push(performance.now() - last);
      last = performance.now();
    }
    return times;
  });
  const cpu = await work() / steps.length;
  await eventually(async () => {
    const [drawn, laidOut] = await page.evaluate(() => {
      const turns = [...document.querySelectorAll('.turn > .message')];
      return [turns.length, turns.filter((one) => one.checkVisibility({ contentVisibilityAuto: true })).length];
    });
    assert.ok(drawn > 40 && laidOut < drawn / 2, `${laidOut} of ${drawn} messages are laid out, and few of them are seen`);
  });
  const nodes = await eventually(async () => {
    const all = await page.evaluate(() => document.querySelectorAll('*').length);
    assert.ok(all <= 5000, `${all} elements`);
    return all;
  });
  await composer(page).focus();
  const keys = [];
  for (let i = 0; i < 20; i++) {
    keys.push(await page.evaluate(() => new Promise((done) => {
      const begin = performance.now();
      const area = document.getElementById('composer');
      area.value += 'a';
      area.dispatchEvent(new Event('input', { bubbles: true }));
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
    })));
  }
  const found = { open_ms: Math.round(open), nodes, fps: Math.round(1000 / (steps.reduce((a, b) => a + b) / steps.length)),
    frame_p95_ms: Math.round(at(steps, 0.95)), key_p50_ms: Math.round(at(keys, 0.5) * 10) / 10,
    frame_cpu_ms: Math.round(cpu * 10) / 10 };
  await tell('10,000 messages', found);
  judge(['open, ms', found.open_ms, 3000], ['fps', found.fps, undefined, 40], ['frame, ms', found.frame_p95_ms, 67], ['key, ms', found.key_p50_ms, 20],
    ['work of a frame, ms', found.frame_cpu_ms, 12]);
});

test('a long answer streams without losing the end, and who scrolls up stays there', async () => {
  world.mock.delayMs = 2;
  const page = await world.tab(await world.window());
  await online(page);
  const text = longText(60);
  await say(page, 'first');
  await ended(page);
  await world.hold(800); // of 2,500 pieces: many pictures of the screen, and the reader has time to look
  await sayElsewhere(page, text);
  const [, part] = text.slice(0, 800 * 24 - 500).match(/[^]*## (Part \d+)/);
  await page.getByRole('heading', { name: part, exact: true }).last().waitFor();
  const place = () => page.locator('.transcript').evaluate((box) =>
    ({ top: box.scrollTop, height: box.scrollHeight, below: box.scrollHeight - box.scrollTop - box.clientHeight }));
  await eventually(async () => {
    const { height, below } = await place();
    assert.ok(height > 3000 && below < 200, `it follows the end: ${below} of ${height}`);
  });
  await page.locator('.transcript').hover();
  await page.mouse.wheel(0, -1500);
  await eventually(async () => assert.ok((await place()).below > 1000, 'the reader goes up'));
  const { height } = await place();
  await world.release();
  await page.locator('.turn[data-state="done"]').nth(1).waitFor({ timeout: 90000, state: 'attached' });
  const { height: all, below } = await place();
  assert.ok(all > height + 1000 && below > 1000, `the reader was pulled back: ${below} of ${all}, which was ${height}`);
  assert.equal((await world.stored(page)).at(-1).content, text);
  world.mock.delayMs = 12;
});

// Whoever waits for nothing but its end; only where that says something.
if (process.env.NF_PAGE_FIGURES) {
  test('the frames of a long answer', async () => {
    world.mock.delayMs = 2;
    const context = await world.window();
    const page = await world.tab(context);
    await online(page);
    await say(page, 'first');
    await ended(page);
    await watchFrames(page);
    const work = await workOf(context, page);
    const text = longText(60);
    await sayElsewhere(page, text);
    await page.locator('.turn[data-state="done"]').nth(1).waitFor({ timeout: 90000, state: 'attached' });
    const found = { ...await frames(page), work_ms: Math.round(await work()) };
    await tell('60 KB answer', { bytes: text.length, ...found });
    judge(['fps', found.fps, undefined, 45], ['worst frame, ms', found.worst_ms, 400]);
    world.mock.delayMs = 12;
  });
}

test('from the frame of the first token to the picture', async () => {
  const context = await world.window();
  await watchTokens(context);
  const page = await world.tab(context);
  await online(page);
  for (let i = 1; i <= 20; i++) {
    await say(page, `instant ${i}`);
    await page.locator('.turn[data-state="done"] .bubble', { hasText: `instant ${i}` }).waitFor();
  }
  const { frame, send } = await tokens(page, 20);
  await tell('first token', { from_frame: frame, from_send: send });
  judge(['from the frame, ms', frame.p95_ms, 100], ['from the key, ms', send.p95_ms, 250]);
});

test('a daemon that is back is found at once', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  const { port } = world.line;
  await world.line.down();
  await offline(page);
  await triesAgain(page, 4); // until it tries as seldom as it ever does
  await world.line.up(port);
  const up = performance.now();
  // Looked for at every frame: a locator looks twice a second.
  await page.waitForFunction(() => document.querySelector('.link-dot.online') !== null);
  const took = Math.round(performance.now() - up);
  await tell('back online', { ms: took });
  judge(['back online, ms', took, 1000]);
});
