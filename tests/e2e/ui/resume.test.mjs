import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composer, copied, ended, longText, online, openWorld, reply, say } from './harness.mjs';

const world = openWorld();

const TEXT = longText(6);

async function midRun(page) {
  await say(page, TEXT);
  await page.locator('.message.assistant figure.code').nth(1).waitFor();
}

test('a page reloaded in the middle of an answer shows all of it', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await midRun(page);
  await page.reload();
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await ended(page);
  assert.equal(await copied(page), reply(TEXT));
  assert.equal(await page.locator('.message.user').count(), 1);
});

test('a cut line in the middle of an answer loses and doubles nothing', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await midRun(page);
  for (let i = 0; i < 3; i++) {
    world.line.cut();
    await page.waitForTimeout(300);
  }
  await ended(page);
  assert.equal(await copied(page), reply(TEXT));
  const stored = (await world.stored(page)).filter((m) => m.role === 'assistant');
  assert.deepEqual(stored.map((m) => m.content), [reply(TEXT)]);
  assert.equal(await page.locator('.message.assistant').count(), 1);
  assert.equal(await page.locator('.message.user').count(), 1);
});

test('an answer that ended while the line was down is there at once', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await midRun(page);
  const { port } = world.line;
  await world.line.down();
  await page.getByText('Offline, reconnecting').first().waitFor();
  await page.waitForTimeout(2000); // the pauses between two attempts have grown by then
  await world.line.up(port);
  const back = Date.now();
  await online(page);
  // It is a second on a quiet machine; what must not be is the wait that grew while it was down.
  assert.ok(Date.now() - back <= 4000, `online after ${Date.now() - back} ms`);
  await ended(page);
  assert.equal(await copied(page), reply(TEXT));
});

test('a second tab shows the same, whenever it was opened', async () => {
  const context = await world.window();
  const first = await world.tab(context);
  await online(first);
  const early = await world.tab(context);
  await online(early);
  await first.bringToFront(); // what is behind another is drawn when the browser likes
  await midRun(first);
  const path = `/${new URL(first.url()).hash}`;
  const late = await world.tab(context, path);
  await early.getByRole('navigation').getByRole('button', { name: /^(Answering )?Part 1|^(Answering )?## Part 1/ }).first().click();
  for (const page of [first, early, late]) {
    await ended(page);
    await page.bringToFront();
    assert.equal(await copied(page), reply(TEXT));
    assert.equal(await page.locator('.message').count(), 2);
  }
  await say(late, 'from the other tab');
  await ended(late, 2);
  await first.bringToFront();
  await first.locator('.bubble', { hasText: 'from the other tab' }).waitFor();
  await ended(first, 2);
  assert.equal(await first.locator('.answer-foot').last().innerText(), await late.locator('.answer-foot').last().innerText());
});

test('a message written offline survives a reload and is sent once', async () => {
  const context = await world.window();
  const page = await world.tab(context);
  await online(page);
  await say(page, 'before the line went down');
  await ended(page);
  const { port } = world.line;
  await world.line.down();
  await page.getByText('Offline, reconnecting').first().waitFor();
  await say(page, 'written offline');
  await page.getByText('Will be sent when the daemon is back').waitFor();
  assert.equal(await composer(page).inputValue(), '');
  const unsent = await page.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith('nexflow.unsent.')));
  assert.equal(unsent.length, 1);

  // The page is gone before the daemon is back.
  const path = `/${new URL(page.url()).hash}`;
  await page.close();
  await world.line.up(port);
  const again = await world.tab(context, path);
  await again.locator('.bubble', { hasText: 'written offline' }).waitFor();
  await ended(again, 2);
  await again.reload();
  await ended(again, 2);
  const users = (await world.stored(again)).filter((m) => m.role === 'user');
  assert.deepEqual(users.map((m) => m.content), ['before the line went down', 'written offline']);
  assert.equal(await again.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith('nexflow.unsent.')).length), 0);
});

test('two messages written offline in a new chat go to one conversation, in order', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  const { port } = world.line;
  await world.line.down();
  await page.getByText('Offline, reconnecting').first().waitFor();
  await say(page, 'one of two');
  await say(page, 'two of two');
  await composer(page).fill('and a draft');
  await world.line.up(port);
  await ended(page, 2);
  assert.equal(await composer(page).inputValue(), 'and a draft');
  assert.deepEqual(await page.locator('.bubble').allInnerTexts(), ['one of two', 'two of two']);
  const users = (await world.stored(page)).filter((m) => m.role === 'user');
  assert.deepEqual(users.map((m) => m.content), ['one of two', 'two of two']);
});
