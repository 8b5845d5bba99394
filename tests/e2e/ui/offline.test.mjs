// Without the daemon: the page opens, shows what it knows, and loses nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composer, ended, eventually, online, openWorld, reply, say, says, shot } from './harness.mjs';

const world = openWorld();

// What the page has written down for when there is no daemon: its list, and its conversations. Who
// opens what the page has not made yet would make it without its stores.
const kept = (page) => page.evaluate(async () => {
  if (!(await indexedDB.databases()).some((one) => one.name === 'nexflow')) return { list: '', all: '' };
  return new Promise((done) => {
    const opening = indexedDB.open('nexflow', 1);
    opening.onsuccess = () => {
      const all = opening.result.transaction('history').objectStore('history').getAll();
      all.onsuccess = () => {
        opening.result.close();
        const lists = all.result.filter((one) => Array.isArray(one.sessions));
        done({ list: JSON.stringify(lists), all: JSON.stringify(all.result) });
      };
    };
  });
});

// Until what is written down is as it should be.
const written = (page, isRight) => eventually(async () => {
  const now = await kept(page);
  assert.ok(isRight(now), `written down is ${now.all}`);
});

test('the page opens without the daemon, with what was read and written', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await say(page, 'to be remembered');
  await ended(page);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await composer(page).fill('half a thought');
  const answer = JSON.stringify({ text: reply('to be remembered') }).slice(1, -1);
  const listed = ['"title":"to be remembered"', '"pending":0'];
  const said = ['"content":"to be remembered"', answer, '"state":"done"'];
  await written(page, ({ list, all }) => listed.every((part) => list.includes(part)) && said.every((part) => all.includes(part)));
  await world.line.down();
  await page.reload();
  await page.locator('.bubble', { hasText: 'to be remembered' }).waitFor();
  await page.locator('.link-badge.offline').waitFor();
  await says(page.locator('.message.assistant .markdown'), reply('to be remembered'));
  await eventually(async () => assert.equal(await composer(page).inputValue(), 'half a thought'));
  await page.getByRole('navigation').getByRole('button', { name: /^(Answering )?to be remembered$/ }).waitFor();
  await composer(page).fill('written without a line');
  await composer(page).press('Enter');
  await page.getByText('Will be sent when the daemon is back').waitFor();
  await shot(page, 'offline');
  await world.line.up(world.line.port);
  await ended(page, 2);
  await eventually(async () =>
    assert.deepEqual(await page.locator('.bubble').allInnerTexts(), ['to be remembered', 'written without a line']));
  assert.equal((await world.stored(page)).filter((m) => m.role === 'user' && m.content === 'written without a line').length, 1);
});

test('what is deleted is not kept', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await say(page, 'to be forgotten');
  await ended(page);
  await written(page, ({ list }) => list.includes('"title":"to be forgotten"'));
  await page.getByRole('button', { name: 'Delete: to be forgotten' }).click();
  await page.reload(); // who leaves has decided
  await online(page);
  await written(page, ({ all }) => !all.includes('to be forgotten'));
});
