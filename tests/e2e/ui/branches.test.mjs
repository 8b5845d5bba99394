// Questions put otherwise, files, and finding things again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, answers, composer, counts, ended, eventually, online, openWorld, reply, say, says, shot } from './harness.mjs';

const world = openWorld();

async function fresh(options) {
  const page = await world.tab(await world.window(options));
  await online(page);
  return page;
}

const bubbles = (page, texts) => eventually(async () => assert.deepEqual(await page.locator('.bubble').allInnerTexts(), texts));
const done = (page, n) => page.locator(`.turn[data-state="done"]`).nth(n - 1).waitFor();

test('a question can be put otherwise, and both versions stay', async () => {
  const page = await fresh();
  await say(page, 'first');
  await ended(page, 1);
  await say(page, 'second');
  await ended(page, 2);
  await page.locator('.message.user').first().hover();
  await page.getByRole('button', { name: 'Edit' }).first().click();
  await page.getByRole('textbox', { name: 'Edit' }).fill('first, but otherwise');
  await page.keyboard.press('Enter');
  await page.locator('.bubble', { hasText: 'first, but otherwise' }).waitFor();
  await done(page, 1);
  await page.waitForFunction(() => document.querySelectorAll('.turn').length === 1);
  await bubbles(page, ['first, but otherwise']);
  await page.getByRole('group', { name: 'Version 2 of 2' }).waitFor();
  await accessible(page, 'versions');
  await page.getByRole('button', { name: 'Previous version' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.bubble').length === 2);
  await bubbles(page, ['first', 'second']);
  // What is said now goes on from what is looked at, here and after a reload.
  await say(page, 'third');
  await done(page, 3);
  await bubbles(page, ['first', 'second', 'third']);
  await page.reload();
  await done(page, 3);
  await bubbles(page, ['first', 'second', 'third']);
  const stored = (await world.stored(page)).filter((m) => m.role === 'user').map((m) => [m.content, m.parent_seq]);
  assert.deepEqual(stored, [['first', undefined], ['second', undefined], ['first, but otherwise', 0], ['third', 3]]);
  await shot(page, 'versions');
});

test('an answer can be asked for again', async () => {
  const page = await fresh();
  await say(page, 'tell me');
  await ended(page, 1);
  await page.getByRole('button', { name: 'Answer again' }).click();
  await page.getByRole('group', { name: 'Version 2 of 2' }).waitFor();
  await done(page, 1);
  await bubbles(page, ['tell me']);
  await says(answers(page).first().locator('.markdown'), reply('tell me'));
});

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

test('files are picked, dropped and pasted, sent with their message, and seen again', async () => {
  const page = await fresh();
  await page.locator('input[type=file]').setInputFiles([{ name: 'cat.png', mimeType: 'image/png', buffer: PNG }]);
  await page.locator('.chips', { hasText: 'cat.png' }).waitFor();
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['line one'], 'notes.txt', { type: 'text/plain' }));
    document.querySelector('#composer').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    const dropped = new DataTransfer();
    dropped.items.add(new File(['x'], 'gone.bin'));
    dispatchEvent(new DragEvent('dragover', { dataTransfer: dropped, cancelable: true }));
    dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, cancelable: true }));
  });
  await page.locator('.chips', { hasText: 'notes.txt' }).waitFor();
  await page.getByRole('button', { name: 'Remove gone.bin' }).click();
  await accessible(page, 'files');
  await shot(page, 'files');
  await composer(page).fill('what is this?');
  await composer(page).press('Enter');
  await ended(page, 1);
  await counts(page.locator('.chips'), 0);
  await bubbles(page, ['what is this?']);
  await page.waitForFunction(() => document.querySelector('.files img')?.naturalWidth === 1);
  await page.reload();
  await page.waitForFunction(() => document.querySelector('.files img')?.naturalWidth === 1);
  await eventually(async () => assert.deepEqual(await page.locator('.files .file').allInnerTexts(), ['notes.txt']));
});

test('a large file shows how far it is, and can be taken back on its way', async () => {
  const page = await fresh();
  const line = await page.context().newCDPSession(page);
  const up = (bytes) => line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await line.send('Network.enable');
  await page.locator('input[type=file]').setInputFiles([{ name: 'film.pdf', mimeType: 'application/pdf', buffer: Buffer.concat([Buffer.from('%PDF-1.4\n'), Buffer.alloc(3000000, 7)]) }]);
  await up(100000);
  await composer(page).fill('a long one');
  await composer(page).press('Enter');
  const bar = page.getByRole('progressbar', { name: /^Sending \d+ %$/ });
  await page.waitForFunction(() => document.querySelector('progress')?.value > 0 && document.querySelector('progress').value < 1);
  await shot(page, 'upload');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await counts(bar, 0);
  await counts(page.locator('.turn[data-state="running"]'), 0);
  await up(-1);
  await page.getByRole('button', { name: 'Try again' }).click();
  await ended(page, 1);
  await bubbles(page, ['a long one']);
});

test('files that were attached without a line are sent when there is one', async () => {
  const page = await fresh();
  await world.line.down();
  await page.locator('.link-dot.offline').waitFor({ state: 'attached' });
  await page.locator('input[type=file]').setInputFiles([{ name: 'late.png', mimeType: 'image/png', buffer: PNG }]);
  await page.locator('.chips', { hasText: 'late.png' }).waitFor();
  await composer(page).fill('later');
  await composer(page).press('Enter');
  await page.getByText('Will be sent when the daemon is back').waitFor();
  await world.line.up(world.line.port);
  await ended(page, 1);
  await page.waitForFunction(() => document.querySelector('.files img')?.naturalWidth === 1);
});

test('what was said is found by its words, and shown where it was said', async () => {
  const page = await fresh();
  await say(page, 'the quick brown zeppelin');
  await ended(page, 1);
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search' }).waitFor();
  await page.keyboard.type('zepp');
  await page.getByRole('option').filter({ hasText: 'quick brown' }).last().waitFor();
  await says(page.locator('.palette mark').first(), 'zeppelin');
  await accessible(page, 'search');
  await shot(page, 'search');
  await page.keyboard.press('Enter');
  await page.locator('.bubble', { hasText: 'zeppelin' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('nothingsaysthis');
  await page.getByText('Nothing was found').waitFor();
  await page.keyboard.press('Escape');
});

test('a conversation can be taken along', async () => {
  const page = await fresh();
  await say(page, 'to be kept');
  await ended(page, 1);
  await page.getByLabel('Export as').click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Markdown' }).click()]);
  const text = await (await import('node:fs/promises')).readFile(await file.path(), 'utf8');
  assert.match(text, /# to be kept\n\n## You[^]*to be kept[^]*## Nexflow/);
});
