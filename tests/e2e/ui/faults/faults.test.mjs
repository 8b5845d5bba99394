// What a daemon does only when something is wrong with it, or with the way to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copied, counts, ended, eventually, online, openWorld, reply, say, says, shot } from '../harness.mjs';

const world = openWorld();

async function fresh() {
  const page = await world.tab(await world.window());
  await online(page);
  return page;
}

test('a failed run and a refused message are shown as such', async () => {
  const page = await fresh();
  await say(page, 'mock:error');
  await ended(page, 1, 'failed');
  await says(page.locator('.notice'), /check llm\.providers/);
  await say(page, 'mock:refuse');
  await page.getByText('Not sent: too many messages wait').waitFor();
  await shot(page, 'errors');
  await page.getByRole('button', { name: 'Discard' }).click();
  await counts(page.locator('[data-unsent]'), 0);
});

test('why an answer failed is said in the language of the page, then and later', async () => {
  const page = await world.tab(await world.window({ locale: 'ru-RU' }));
  await online(page);
  await page.getByRole('textbox', { name: 'Сообщение' }).fill('mock:limited');
  await page.keyboard.press('Enter');
  const notice = page.getByText('mock/echo-1: слишком много запросов (429). Попробуйте через 30 с');
  await notice.waitFor();
  await page.reload();
  await notice.waitFor();
  await page.getByRole('combobox', { name: 'Язык' }).selectOption('en');
  await page.getByText('mock/echo-1: too many requests (429): try again in 30 s').waitFor();
});

test('without a model the page says how to add one, and notices when there is one', async () => {
  const models = world.mock.models;
  world.mock.models = [];
  const page = await fresh();
  await page.getByRole('heading', { name: 'No model is connected yet' }).waitFor();
  await page.getByRole('link', { name: 'Add a model' }).waitFor();
  await page.getByText('nexflow up', { exact: true }).waitFor();
  assert.doesNotMatch(await page.locator('main').innerText(), /\bfile\b|providers:/); // none has to be edited
  await shot(page, 'first-run');
  world.mock.models = models;
  await page.getByText('What shall we work on?').waitFor();
  await counts(page.getByRole('heading', { name: 'No model is connected yet' }), 0);
});

test('who may not add a model is told whom to ask', async () => {
  const { models } = world.mock;
  Object.assign(world.mock, { models: [], role: 'user' });
  const page = await fresh();
  await page.getByText('Ask its owner to add one').waitFor();
  await counts(page.getByText('nexflow up', { exact: true }), 0);
  await counts(page.getByRole('link', { name: 'Add a model' }), 0);
  Object.assign(world.mock, { models, role: 'owner' });
  await page.getByText('What shall we work on?').waitFor();
});

test('older messages come when one scrolls up, and the place is kept', async () => {
  const session = world.mock.newSession('a long one');
  for (let i = 1; i <= 60; i++) world.mock.wrote(session, `message ${i} of many`, 'yes');
  const page = await world.tab(await world.window(), `/#/s/${session.id}`);
  await page.locator('.bubble', { hasText: 'message 60 ' }).waitFor();
  assert.ok(await page.locator('.turn').count() < 60, 'not all of them at once');
  await page.waitForFunction(() => { // it begins at its end, and may still be on its way there
    const box = document.querySelector('.transcript');
    const more = document.querySelectorAll('.turn').length === 60;
    if (!more && box.scrollTop > 0) box.scrollTop = 0;
    return more;
  }, null, { polling: 200 });
  await eventually(async () => {
    const offset = await page.locator('.transcript').evaluate((box) => box.scrollTop);
    assert.ok(offset > 200, `the reader was not moved: ${offset}`);
  });
});

// Notes every text of an answer that the pages of the context show, from their beginning.
const watchAnswer = (context) => context.addInitScript(() => {
  const shown = [''];
  window.shown_ = shown;
  new MutationObserver(() => {
    const text = document.querySelector('.message.assistant .markdown')?.textContent ?? '';
    if (text !== shown.at(-1)) shown.push(text);
  }).observe(document, { subtree: true, childList: true, characterData: true });
});

test('a page opened while the model says nothing shows what it said before', async () => {
  const context = await world.window();
  await watchAnswer(context);
  const page = await world.tab(context);
  await online(page);
  const text = Array.from({ length: 60 }, (_, i) => `line ${i} of a long answer`).join('\n\n');
  const plain = (markdown) => markdown.replaceAll('\n', '').trimEnd();
  const before = text.slice(0, 24 * 20);
  await world.hold(20);
  await say(page, text);
  const shown = () => page.evaluate(() => window.shown_);
  const saysBefore = () => eventually(async () => assert.equal((await shown()).at(-1).trimEnd(), plain(before)));
  await saysBefore();
  await page.reload();
  await saysBefore();
  await world.release();
  await ended(page);
  assert.equal(await copied(page), reply(text));
  const all = await shown(); // in several pictures, but each goes on from the one before
  assert.deepEqual(all.filter((now, i) => i && !now.startsWith(all[i - 1].trimEnd())), []);
  assert.equal(all.at(-1), plain(text));
});

test('a message whose answer was lost on the way is sent again under its id and taken once', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  const { broadcast } = world.mock;
  world.mock.broadcast = function lossy(frame) {
    if (frame.type !== 'accepted') return broadcast.call(this, frame);
    this.broadcast = broadcast;
    for (const socket of this.sockets) socket.terminate();
  };
  await say(page, 'acknowledged into the void');
  await ended(page);
  const ids = world.mock.received.slice(-2);
  assert.equal(ids[0], ids[1]);
  await counts(page.locator('.message.user'), 1);
});

test('an event that is lost right after others were asked for is asked for too, though nothing follows', async () => {
  const context = await world.window();
  await context.addInitScript(() => { // how long "right after" is does not depend on the machine
    const { timeOrigin } = performance;
    performance.now = () => (Date.now() - timeOrigin) / 20;
  });
  const page = await world.tab(context);
  await online(page);
  const { broadcast, resume } = world.mock;
  world.mock.resume = function early() {
    this.resume = resume; // there was nothing yet
  };
  let pieces = 0;
  world.mock.broadcast = function lossy(frame) {
    if (frame.type !== 'TEXT_MESSAGE_CONTENT' || ++pieces !== 2) broadcast.call(this, frame);
  };
  world.mock.delayMs = 1;
  await world.hold(4);
  const text = Array.from({ length: 20 }, (_, i) => `word ${i}`).join(' ');
  await say(page, text);
  await says(page.locator('.message.assistant .markdown'), text.slice(0, 4 * 24).trim());
  world.mock.broadcast = broadcast;
  world.mock.delayMs = 12;
});

test('a list that was under way does not undo what was heard meanwhile', async () => {
  world.mock.wrote(world.mock.newSession('older than all'), 'x', 'y');
  world.mock.listMs = 1500;
  const page = await world.tab(await world.window());
  await online(page);
  await say(page, 'newer than the list');
  await ended(page);
  await page.locator('.session-name').filter({ hasText: 'older than all' }).waitFor(); // the list is there
  await says(page.locator('.session-name').first(), 'newer than the list');
  world.mock.listMs = 0;
});

test('what is said of a conversation late does not undo what was heard meanwhile', async () => {
  const session = world.mock.newSession('');
  const page = await world.tab(await world.window(), `/#/s/${session.id}`);
  await online(page);
  const row = page.locator('.session.active');
  await row.waitFor();
  world.mock.infoMs = [1500];
  const asked = page.waitForRequest(/sessions\/\w+$/); // for its name
  await world.hold(0);
  await say(page, 'answered meanwhile');
  await eventually(() => assert.equal(world.mock.infoMs.length, 0)); // there is an answer to come
  await world.release();
  await ended(page);
  await (await (await asked).response()).finished();
  await page.evaluate(async () => (await fetch('/health')).text()); // it is read by now
  await row.getByRole('button', { name: /^Delete/, disabled: false }).waitFor();
  await counts(row.locator('.pulse'), 0);
});

test('a list of approvals that was under way does not undo what was heard meanwhile', async () => {
  world.mock.approvalsMs = [1500]; // from when nothing was asked
  const page = await world.tab(await world.window());
  const late = page.waitForResponse(/\/approvals$/);
  await online(page);
  await say(page, 'mock:ask');
  await page.locator('.approval').waitFor();
  await (await late).finished();
  await page.getByRole('button', { name: 'Allow once' }).click();
  await ended(page);
});

test('a conversation is there after every reload, whichever of its parts comes first', async () => {
  const session = world.mock.newSession('again and again');
  world.mock.wrote(session, 'asked', 'answered');
  const page = await world.tab(await world.window(), `/#/s/${session.id}`);
  for (let i = 0; i < 12; i++) {
    await page.locator('.message.assistant', { hasText: 'answered' }).waitFor();
    await page.reload();
  }
});
