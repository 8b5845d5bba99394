// Search where the daemon is slow or fails: what is shown is of the words that stand there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counts, eventually, online, openWorld } from '../harness.mjs';

const world = openWorld();
const NOW = '2026-02-03T08:00:00.000Z';
const hit = (text, seq) => ({ session_id: '0000000000009', title: text, seq, run_id: '0000000000001', role: 'user', at: NOW, snippet: text });

// Each request as it comes: who answers it, and what was asked.
function heldSearch() {
  const asked = [];
  world.mock.searching = (query, reply) => {
    if (query.get('cursor')) asked.push({ words: query.get('q'), reply });
    else reply(200, { hits: [hit(`first of ${query.get('q')}`, 1)], complete: true, next_cursor: 'behind' });
  };
  return asked;
}

async function searching(words) {
  const page = await world.tab(await world.window());
  await online(page);
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search' }).fill(words);
  await page.getByRole('option').filter({ hasText: `first of ${words}` }).waitFor();
  return page;
}

const found = (page) => page.locator('.palette .palette-title').allInnerTexts();

test('more of a search that is over is not added to another', async () => {
  const asked = heldSearch();
  const page = await searching('apples');
  await page.getByRole('button', { name: 'More results' }).click();
  await eventually(() => assert.equal(asked.length, 1));
  await page.getByRole('combobox', { name: 'Search' }).fill('pears');
  await page.getByRole('option').filter({ hasText: 'first of pears' }).waitFor();
  const [late] = asked;
  await Promise.all([page.waitForResponse((response) => response.url().includes('cursor=')),
    late.reply(200, { hits: [hit('second of apples', 2)], complete: true, next_cursor: null })]);
  await page.getByRole('button', { name: 'More results' }).click(); // what the other search still has
  await eventually(() => assert.equal(asked.length, 2));
  assert.equal(asked[1].words, 'pears');
  asked[1].reply(200, { hits: [hit('second of pears', 2)], complete: true, next_cursor: null });
  await page.getByRole('option').filter({ hasText: 'second of pears' }).waitFor();
  assert.deepEqual((await found(page)).map((title) => title.split(',')[0]), ['first of pears', 'second of pears']);
});

test('a page that is asked for twice is added once', async () => {
  const asked = heldSearch();
  const page = await searching('plums');
  await page.getByRole('button', { name: 'More results' }).click();
  await page.getByRole('button', { name: 'More results' }).click();
  await eventually(() => assert.equal(asked.length, 2));
  for (const { reply } of asked) reply(200, { hits: [hit('second of plums', 2)], complete: true, next_cursor: 'further' });
  await page.getByRole('option').filter({ hasText: 'second of plums' }).first().waitFor();
  await page.getByRole('button', { name: 'More results' }).click();
  await eventually(() => assert.equal(asked.length, 3));
  asked[2].reply(200, { hits: [hit('third of plums', 3)], complete: true, next_cursor: null });
  await page.getByRole('option').filter({ hasText: 'third of plums' }).waitFor();
  await counts(page.getByRole('option').filter({ hasText: 'second of plums' }), 1);
});

test('that more could not be read is told, and it can be asked for again', async () => {
  const asked = heldSearch();
  const page = await searching('figs');
  await page.getByRole('button', { name: 'More results' }).click();
  await eventually(() => assert.equal(asked.length, 1));
  asked[0].reply(503, { error: { code: 'unavailable', message: 'the index is being moved' } });
  await page.getByRole('status').filter({ hasText: 'the index is being moved' }).waitFor();
  await counts(page.getByRole('option').filter({ hasText: 'first of figs' }), 1); // what was found stays
  await page.getByRole('button', { name: 'More results' }).click();
  await eventually(() => assert.equal(asked.length, 2));
  asked[1].reply(200, { hits: [hit('second of figs', 2)], complete: true, next_cursor: null });
  await page.getByRole('option').filter({ hasText: 'second of figs' }).waitFor();
  await counts(page.getByText('the index is being moved'), 0);
});
