import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, answers, composer, copied, ended, longText, online, real, reply, say, shot } from './harness.mjs';

let world;
before(async () => {
  world = await World.create();
});
after(() => world.close());

async function fresh() {
  const page = await world.tab(await world.window());
  await online(page);
  return page;
}

test('an answer streams, and is shown as Markdown with its model and tokens', async () => {
  const page = await fresh();
  await say(page, longText(1.5));
  await page.locator('.message.assistant h3').first().waitFor();
  const early = (await answers(page).first().innerText()).length;
  await ended(page);
  assert.equal(await page.locator('.waiting').count(), 0);
  assert.ok((await answers(page).first().innerText()).length > early, 'it grew');
  assert.equal(await copied(page), reply(longText(1.5)));
  assert.ok((await page.locator('.answer-foot .model').innerText()).length > 0);
  if (!real) assert.match(await page.locator('.answer-foot').innerText(), /42 in · [\d,.]+ out/);
  await page.locator('figure.code .hljs-keyword').first().waitFor();
  assert.equal(await page.locator('figure.code').count(), await page.locator('figure.code').getByRole('button').count());
});

test('copying a code block gives its text', async () => {
  const page = await fresh();
  await say(page, 'Look:\n\n```c\nint main(void)\n{\n\treturn 0;\n}\n```');
  await ended(page);
  await page.getByRole('button', { name: 'Copy code' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'int main(void)\n{\n\treturn 0;\n}');
});

test('code in a list can be copied too', async () => {
  const page = await fresh();
  await say(page, 'Look:\n\n- Do this:\n\n  ```sh\n  ls -l\n  ```\n');
  await ended(page);
  await page.getByRole('button', { name: 'Copy code' }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'ls -l');
});

test('the back button goes to the conversation before', async () => {
  const page = await fresh();
  await say(page, 'go back to this');
  await ended(page);
  assert.equal(await page.title(), 'go back to this · Nexflow');
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.waitForFunction(() => document.title === 'New chat · Nexflow');
  await page.goBack();
  await page.locator('.bubble', { hasText: 'go back to this' }).waitFor();
  await page.goForward();
  await page.getByRole('heading', { level: 1, name: 'New chat' }).waitFor();
});

test('signing out forgets what was written here', { skip: real }, async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await composer(page).fill('a secret draft');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  assert.equal(await page.evaluate(() => JSON.stringify({ ...localStorage }).includes('secret')), false);
  await page.reload();
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await world.signIn();
});

test('the parts of an answer that are complete are not drawn again', async () => {
  const page = await fresh();
  await say(page, longText(3));
  const heading = page.locator('.message.assistant h3').first();
  await page.locator('.message.assistant figure.code').nth(1).waitFor();
  await heading.evaluate((element) => element.setAttribute('data-mark', '1'));
  await ended(page);
  assert.equal(await page.locator('[data-mark]').count(), 1);
});

test('an answer can be stopped, and keeps what was said', async () => {
  const page = await fresh();
  await say(page, longText(8));
  await page.locator('.message.assistant p').first().waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await ended(page, 1, 'stopped');
  const said = await copied(page);
  assert.ok(said.length > 0 && said.length < longText(8).length);
  assert.ok(reply(longText(8)).startsWith(said));
  await say(page, 'again');
  await ended(page);
});

test('conversations are listed, opened, renamed and deleted', async () => {
  const page = await fresh();
  await say(page, 'the first conversation');
  await ended(page);
  await page.getByRole('button', { name: 'New chat' }).click();
  await say(page, 'the second conversation');
  await ended(page);
  const list = page.getByRole('navigation');
  await list.getByRole('button', { name: 'the first conversation', exact: true }).click();
  await page.locator('.bubble', { hasText: 'the first conversation' }).waitFor();
  await page.getByRole('button', { name: 'Rename: the first conversation' }).click();
  await page.getByRole('textbox', { name: 'Title of the conversation' }).fill('A better name');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'A better name' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'A better name' }).waitFor();
  await page.getByRole('button', { name: 'Delete: A better name' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { level: 1, name: 'New chat' }).waitFor();
  assert.equal(await list.getByRole('button', { name: 'A better name' }).count(), 0);
});

test('a draft survives a reload', async () => {
  const page = await fresh();
  await composer(page).fill('half a thought');
  await page.reload();
  await online(page);
  assert.equal(await composer(page).inputValue(), 'half a thought');
});

test('a failed run and a refused message are shown as such', { skip: real }, async () => {
  const page = await fresh();
  await say(page, 'mock:error');
  await ended(page, 1, 'failed');
  assert.match(await page.locator('.notice').innerText(), /check llm\.providers/);
  await say(page, 'mock:refuse');
  await page.getByText('Not sent: too many messages wait').waitFor();
  await shot(page, 'errors');
  await page.getByRole('button', { name: 'Discard' }).click();
  assert.equal(await page.locator('[data-unsent]').count(), 0);
});

test('without a model the page says how to add one, and notices when there is one', { skip: real }, async () => {
  const models = world.mock.models;
  world.mock.models = [];
  const page = await fresh();
  await page.getByRole('heading', { name: 'No model is connected yet' }).waitFor();
  await page.getByText('nexflow up', { exact: true }).waitFor();
  await shot(page, 'first-run');
  world.mock.models = models;
  await page.getByText('What shall we work on?').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'No model is connected yet' }).count(), 0);
});

test('a used link says so, and how to get another', { skip: real }, async () => {
  const context = await world.browser.newContext();
  const page = await world.tab(context, '/#t=used-before');
  await page.getByRole('heading', { name: 'This link does not work any more' }).waitFor();
  await page.getByText('nexflow link', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => location.href), `${world.line.url}/`);
  const link = world.mock.link();
  await page.evaluate((hash) => (location.hash = hash), new URL(link).hash);
  await composer(page).waitFor();
  await context.close();
});

test('who is signed out is told so', async () => {
  const context = await world.browser.newContext();
  const page = await world.tab(context);
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await shot(page, 'signed-out');
  await context.close();
});

test('older messages come when one scrolls up, and the place is kept', { skip: real }, async () => {
  const page = await fresh();
  world.mock.delayMs = 0;
  for (let i = 1; i <= 60; i++) {
    await say(page, `message ${i} of many`);
    await ended(page, i);
  }
  world.mock.delayMs = 12;
  await page.reload();
  await page.locator('.bubble', { hasText: 'message 60 ' }).waitFor();
  assert.equal(await page.locator('.turn').count(), 25);
  await page.locator('.transcript').evaluate((box) => (box.scrollTop = 0));
  await page.locator('.turn').nth(40).waitFor({ state: 'attached' });
  const offset = await page.locator('.transcript').evaluate((box) => box.scrollTop);
  assert.ok(offset > 200, `the reader was not moved: ${offset}`);
});
