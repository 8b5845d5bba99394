// Files on their way into a message: they stay with their chat, and pictures what they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composer, counts, ended, online, openWorld, say } from '../harness.mjs';

const world = openWorld();

async function fresh() {
  const page = await world.tab(await world.window());
  await online(page);
  return page;
}

// Drops files that are read as slowly as the test wants: held.release() lets the first of them go on.
const dropSlowly = (page, names) => page.evaluate((all) => {
  const read = FileReader.prototype.readAsDataURL;
  globalThis.held = { waits: 0 };
  const gate = new Promise((resolve) => (globalThis.held.release = resolve));
  FileReader.prototype.readAsDataURL = function readLater(blob) {
    globalThis.held.waits++;
    void gate.then(() => read.call(this, blob));
  };
  const data = new DataTransfer();
  for (const name of all) data.items.add(new File([`this is ${name}`], name, { type: 'text/plain' }));
  dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
}, names);

const chip = (page, name) => page.locator('.chips', { hasText: name });

test('files that are read while another chat is opened stay with theirs', async () => {
  const page = await fresh();
  await say(page, 'the chat with files');
  await ended(page, 1);
  const place = await page.evaluate(() => location.hash);
  await dropSlowly(page, ['one.txt', 'two.txt']);
  await page.waitForFunction(() => globalThis.held.waits === 1);
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByText('What shall we work on?').waitFor();
  await page.evaluate(() => globalThis.held.release());
  await page.waitForFunction(() => globalThis.held.waits === 2); // and both are read by now or soon
  await page.locator('input[type=file]').setInputFiles([{ name: 'elsewhere.txt', mimeType: 'text/plain', buffer: Buffer.from('x') }]);
  await chip(page, 'elsewhere.txt').waitFor();
  await counts(chip(page, 'one.txt'), 0);
  await page.evaluate((hash) => (location.hash = hash), place);
  for (const name of ['one.txt', 'two.txt']) await chip(page, name).waitFor();
  await counts(chip(page, 'elsewhere.txt'), 0);
  await composer(page).fill('both');
  await composer(page).press('Enter');
  await ended(page, 2);
  await counts(page.locator('.files .file'), 2);
});

test('files that are attached while a new chat gets its session go with its next message', async () => {
  const page = await fresh();
  await dropSlowly(page, ['early.txt']);
  await page.waitForFunction(() => globalThis.held.waits === 1);
  await say(page, 'it begins');
  await ended(page, 1);
  await page.evaluate(() => globalThis.held.release());
  await chip(page, 'early.txt').waitFor();
  await composer(page).fill('with it');
  await composer(page).press('Enter');
  await ended(page, 2);
  await counts(page.locator('.files .file'), 1);
});

// A picture of noise, so large that it is made smaller; `alpha` of its left half.
const dropPicture = (page, alpha) => page.evaluate(async (left) => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [2400, 400];
  const draw = canvas.getContext('2d');
  const picture = draw.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < picture.data.length; i += 65536) crypto.getRandomValues(picture.data.subarray(i, i + 65536));
  for (let i = 3; i < picture.data.length; i += 4) picture.data[i] = ((i >> 2) % canvas.width) < canvas.width / 2 ? left : 255;
  draw.putImageData(picture, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, 'image/png'));
  const data = new DataTransfer();
  data.items.add(new File([blob], 'picture.png', { type: 'image/png' }));
  dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
  return blob.size;
}, alpha);

// What the chip shows: its kind, its width, and how much shows through in its left half.
const shown = (page) => page.locator('.chips img').evaluate(async (img) => {
  await img.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [img.naturalWidth, img.naturalHeight];
  const draw = canvas.getContext('2d');
  draw.drawImage(img, 0, 0);
  return { kind: img.src.slice(5, img.src.indexOf(';')), width: canvas.width, alpha: draw.getImageData(10, 10, 1, 1).data[3] };
});

test('a large picture is made smaller, and what shows through still does', async () => {
  const page = await fresh();
  assert.ok(await dropPicture(page, 0) > 1024 * 1024);
  await chip(page, 'picture.png').waitFor();
  assert.deepEqual(await shown(page), { kind: 'image/png', width: 2048, alpha: 0 });
  await page.getByRole('button', { name: 'Remove picture.png' }).click();
  await counts(page.locator('.chips'), 0);
  await dropPicture(page, 255);
  await chip(page, 'picture.png').waitFor();
  assert.deepEqual(await shown(page), { kind: 'image/jpeg', width: 2048, alpha: 255 });
});
