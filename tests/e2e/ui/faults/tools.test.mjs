import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, composer, counts, ended, eventually, fits, focused, online, openWorld, say, says, shot, shots } from '../harness.mjs';

const world = openWorld();

async function fresh(options) {
  const page = await world.tab(await world.window(options));
  await online(page);
  return page;
}

const summary = (page, text) => eventually(async () =>
  assert.match((await page.locator('details.tool summary').first().innerText()).replace(/\s+/g, ' '), text));

test('a tool call is a closed card that tells what was asked and what came back', async () => {
  const page = await fresh();
  await say(page, 'mock:tool');
  await ended(page);
  await page.locator('.tool-time').waitFor();
  const card = page.locator('details.tool');
  assert.equal(await card.getAttribute('open'), null);
  await summary(page, /^read_file notes\/week\.md done 0\.4 s$/);
  await card.locator('summary').click();
  await says(card, /"lines": 3/);
  await card.getByText(/0\.4\ss in a sandbox of level L2, process 7/).waitFor();
  await accessible(page, 'a tool in full');
  await shot(page, 'tool-open');
  await page.reload();
  await ended(page);
  await summary(page, /^read_file notes\/week\.md done( 0\.4 s)?$/); // the end of its run may have come again
  await card.locator('summary').click();
  await card.getByText(/0\.4\ss in a sandbox/).waitFor();
  await summary(page, /done 0\.4 s$/);
});

test('a call that failed says so and why', async () => {
  const page = await fresh();
  await say(page, 'mock:fail');
  await ended(page);
  await summary(page, /^web_fetch https:\/\/example\.org\/ failed/);
  await page.locator('details.tool summary').click();
  await page.getByText('example.org is not granted to this skill').waitFor();
});

test('a call under way shows how far it is and how long it takes', async () => {
  const page = await fresh();
  await say(page, 'mock:slow');
  await page.getByText('Fetched 2 of 5 MiB').waitFor();
  await page.locator('progress[value="40"]').waitFor();
  await page.locator('.tool-time', { hasText: /\d\ss/ }).waitFor();
  await accessible(page, 'a running tool');
  await shot(page, 'tool-running');
  world.mock.release();
  await ended(page);
  await counts(page.getByRole('progressbar'), 0);
  await page.locator('.tool-time', { hasText: '0.4' }).waitFor();
  await summary(page, /done 0\.4 s$/);
});

test('an approval shows the exact call and until when, and allows it once', async () => {
  const page = await fresh();
  await say(page, 'mock:ask');
  const card = page.getByRole('article', { name: 'Allow this call?' });
  await card.waitFor();
  await page.getByRole('status').filter({ hasText: 'A tool waits for your decision' }).waitFor({ state: 'attached' });
  await says(card, /notes_remove/);
  await says(card.locator('pre'), JSON.stringify({ name: 'shopping list', all: true }, null, 2));
  await says(card.getByRole('timer'), /in (30:00|2\d:\d\d)$/);
  await summary(page, /waits for you$/);
  await page.locator('.session .asks').first().waitFor();
  await accessible(page, 'an approval');
  await shots(page, 'approval');
  await card.getByRole('button', { name: 'Allow once' }).click();
  await ended(page);
  await counts(card, 0);
  await summary(page, /done/);
});

test('an approval is denied with a reason, by keyboard alone', async () => {
  const page = await fresh();
  await say(page, 'mock:ask');
  const card = page.getByRole('article', { name: 'Allow this call?' });
  await card.getByRole('button', { name: 'Deny', disabled: false }).waitFor();
  // No letter decides, wherever the focus is.
  await card.focus();
  await page.keyboard.type('aydn ');
  await page.keyboard.press('Alt+ArrowDown');
  await focused(composer(page));
  await page.keyboard.press('Alt+ArrowUp');
  await focused(card);
  assert.equal(world.mock.approvals.size, 1);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await card.getByRole('button', { name: 'Allow once' }).waitFor();
  await focused(card.getByRole('button', { name: 'Deny' }));
  await page.keyboard.press('Enter');
  await page.keyboard.type('that is the wrong list');
  await accessible(page, 'denying');
  await page.keyboard.press('Enter');
  await ended(page);
  await summary(page, /failed/);
  await page.locator('details.tool summary').click();
  await page.getByText('denied: that is the wrong list').waitFor();
});

test('an approval shows what cannot be seen', async () => {
  const page = await fresh();
  await say(page, 'mock:tool');
  await ended(page);
  const decided = world.mock.ask(null, null, 'files_remove', JSON.stringify({ path: 'a\u202etxt.exe' }));
  await page.locator('.approval').getByText('a\\u202etxt.exe').waitFor();
  await page.getByRole('button', { name: 'Allow once' }).click();
  assert.equal(await decided, '');
});

test('an approval that nobody decides is denied by its time', async () => {
  world.mock.approvalMs = 9000; // all of which count as "0:0..."
  const page = await fresh();
  await say(page, 'mock:ask');
  await page.getByRole('timer').filter({ hasText: '0:0' }).waitFor();
  await ended(page);
  await summary(page, /failed/);
  await counts(page.locator('.approval'), 0);
  world.mock.approvalMs = 30 * 60 * 1000;
});

test('an approval waits over a reload, and whoever decides second is told', async () => {
  const page = await fresh();
  await say(page, 'mock:ask');
  await page.locator('.approval').waitFor();
  await page.reload();
  await page.locator('.approval').waitFor();
  await summary(page, /waits for you$/);
  const shown = [...world.mock.approvals.values()].at(-1);
  const { approvals } = world.mock;
  const broadcast = world.mock.broadcast;
  world.mock.broadcast = () => {}; // the news does not come through
  approvals.delete(shown.shown.id);
  await page.getByRole('button', { name: 'Allow once' }).click();
  await page.getByText('it was decided already').waitFor();
  await counts(page.locator('.approval'), 0);
  world.mock.broadcast = broadcast;
  clearTimeout(shown.timer);
  shown.decided('');
  await ended(page);
});

test('a phone of 360 pixels shows tools and approvals without scrolling sideways', async () => {
  const page = await fresh({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  await say(page, 'mock:tool');
  await ended(page);
  await say(page, 'mock:ask');
  await page.locator('.approval').waitFor();
  await fits(page, '.transcript');
  const small = await page.locator('.approval button').evaluateAll((buttons) =>
    buttons.map((b) => b.getBoundingClientRect()).filter((r) => r.width < 43 || r.height < 43).length);
  assert.equal(small, 0, 'targets of a finger are 44 pixels');
  await accessible(page, 'an approval on a phone');
  await shot(page, 'approval-phone');
  await page.getByRole('button', { name: 'Allow once' }).tap();
  await ended(page, 2);
  await composer(page).waitFor();
});
