import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composer, copied, counts, ended, eventually, longText, offline, online, openWorld, reply, say, triesAgain } from './harness.mjs';

const world = openWorld();

const TEXT = longText(6);

const HELD = 60; // of some 250 pieces

// In the middle of an answer, which goes on when the model is released.
async function midRun(page) {
  await world.hold(HELD);
  await say(page, TEXT);
  await page.locator('.message.assistant figure.code').nth(1).waitFor();
}

test('a page reloaded in the middle of an answer shows all of it', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await midRun(page);
  await page.reload();
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await world.release();
  await ended(page);
  assert.equal(await copied(page), reply(TEXT));
  await counts(page.locator('.message.user'), 1);
});

test('a cut line in the middle of an answer loses and doubles nothing', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await midRun(page);
  for (let i = 2; i <= 4; i++) {
    const another = page.waitForEvent('websocket');
    world.line.cut();
    await world.hold(i * HELD); // it goes on meanwhile, but does not end
    await another;
  }
  await world.release();
  await ended(page);
  assert.equal(await copied(page), reply(TEXT));
  const stored = (await world.stored(page)).filter((m) => m.role === 'assistant');
  assert.deepEqual(stored.map((m) => m.content), [reply(TEXT)]);
  await counts(page.locator('.message.assistant'), 1);
  await counts(page.locator('.message.user'), 1);
});

// How soon it is found that the daemon is back is told by faults/budget.
test('an answer that ended while the line was down is there when it is back', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await midRun(page);
  const { port } = world.line;
  const session = await page.evaluate(() => location.hash.slice(4));
  await world.line.down();
  await offline(page);
  await world.release();
  await triesAgain(page, 4); // the pauses between two attempts have grown by then
  await eventually(async () => assert.equal((await world.ask(`/api/v1/sessions/${session}`)).pending, 0));
  await world.line.up(port);
  await online(page);
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
  await early.locator('.message.assistant h3').first().waitFor();
  await late.locator('.message.assistant h3').first().waitFor();
  await world.release();
  for (const page of [first, early, late]) {
    await ended(page);
    await page.bringToFront();
    assert.equal(await copied(page), reply(TEXT));
    await counts(page.locator('.message'), 2);
  }
  await say(late, 'from the other tab');
  await ended(late, 2);
  await first.bringToFront();
  await first.locator('.bubble', { hasText: 'from the other tab' }).waitFor();
  await ended(first, 2);
  await eventually(async () =>
    assert.equal(await first.locator('.answer-foot').last().innerText(), await late.locator('.answer-foot').last().innerText()));
});

// That so many messages are written down to be sent.
const unsent = (page, n) => eventually(async () =>
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith('nexflow.unsent.')).length), n));

test('a message written offline survives a reload and is sent once', async () => {
  const context = await world.window();
  const page = await world.tab(context);
  await online(page);
  await say(page, 'before the line went down');
  await ended(page);
  const { port } = world.line;
  await world.line.down();
  await offline(page);
  await say(page, 'written offline');
  await page.getByText('Will be sent when the daemon is back').waitFor();
  await eventually(async () => assert.equal(await composer(page).inputValue(), ''));
  await unsent(page, 1);

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
  await unsent(again, 0);
});

test('two messages written offline in a new chat go to one conversation, in order', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  const { port } = world.line;
  await world.line.down();
  await offline(page);
  await say(page, 'one of two');
  await say(page, 'two of two');
  await composer(page).fill('and a draft');
  await world.line.up(port);
  await ended(page, 2);
  await eventually(async () => {
    assert.equal(await composer(page).inputValue(), 'and a draft');
    assert.deepEqual(await page.locator('.bubble').allInnerTexts(), ['one of two', 'two of two']);
  });
  const users = (await world.stored(page)).filter((m) => m.role === 'user');
  assert.deepEqual(users.map((m) => m.content), ['one of two', 'two of two']);
});
