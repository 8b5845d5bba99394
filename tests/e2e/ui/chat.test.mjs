import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, composer, copied, copiedBy, counts, ended, eventually, longText, online, openWorld, reply, say, says, shot } from './harness.mjs';

const world = openWorld();

async function fresh() {
  const page = await world.tab(await world.window());
  await online(page);
  return page;
}

test('an answer streams, and is shown as Markdown with its model and tokens', async () => {
  const page = await fresh();
  await world.hold(100);
  await say(page, longText(4));
  await page.locator('.turn[data-state="running"] .message.assistant h3').first().waitFor(); // before its end
  await world.release();
  await ended(page);
  await counts(page.locator('.waiting'), 0);
  assert.equal(await copied(page), reply(longText(4)));
  await says(page.locator('.answer-foot .model'), /./);
  await says(page.locator('.answer-foot'), /10 in · [\d,.]+ out/);
  await page.locator('figure.code .hljs-keyword').first().waitFor();
  await counts(page.locator('figure.code').getByRole('button', { name: 'Copy code' }), await page.locator('figure.code').count());
});

test('formulas are MathML, and an amount of money is none', async () => {
  const page = await fresh();
  await say(page, 'It costs $5 and $6. Energy: $E = mc^2$, and\n\n$$\\sum_{k=1}^{n} \\frac{1}{k}$$');
  await ended(page);
  const formulas = answers(page).first().locator('math');
  await counts(formulas, 2);
  assert.deepEqual(await formulas.evaluateAll((all) => all.map((one) => [one.namespaceURI, one.querySelectorAll('msup, mfrac, munderover').length])),
    [['http://www.w3.org/1998/Math/MathML', 1], ['http://www.w3.org/1998/Math/MathML', 2]]);
  assert.match(await answers(page).first().innerText(), /It costs \$5 and \$6\./);
});

test('copying a code block gives its text', async () => {
  const page = await fresh();
  await say(page, 'Look:\n\n```c\nint main(void)\n{\n\treturn 0;\n}\n```');
  await ended(page);
  assert.equal(await copiedBy(page, page.getByRole('button', { name: 'Copy code' })), 'int main(void)\n{\n\treturn 0;\n}');
});

test('code in a list can be copied too', async () => {
  const page = await fresh();
  await say(page, 'Look:\n\n- Do this:\n\n  ```sh\n  ls -l\n  ```\n');
  await ended(page);
  assert.equal(await copiedBy(page, page.getByRole('button', { name: 'Copy code' })), 'ls -l');
});

test('the back button goes to the conversation before', async () => {
  const page = await fresh();
  await say(page, 'go back to this');
  await ended(page);
  await page.waitForFunction(() => document.title === 'go back to this · Nexflow'); // which the daemon says beside the answer
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.waitForFunction(() => document.title === 'New chat · Nexflow');
  await page.goBack();
  await page.locator('.bubble', { hasText: 'go back to this' }).waitFor();
  await page.goForward();
  await page.getByRole('heading', { level: 1, name: 'New chat' }).waitFor();
});

test('the parts of an answer that are complete are not drawn again', async () => {
  const page = await fresh();
  await world.hold(80);
  await say(page, longText(3));
  const heading = page.locator('.message.assistant h3').first();
  await page.locator('.message.assistant figure.code').nth(1).waitFor();
  await heading.evaluate((element) => element.setAttribute('data-mark', '1'));
  await world.release();
  await ended(page);
  assert.equal(await page.locator('[data-mark]').count(), 1);
});

test('an answer can be stopped, and keeps what was said', async () => {
  const page = await fresh();
  await world.hold(40);
  await say(page, longText(8));
  await page.locator('.message.assistant p').first().waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await ended(page, 1, 'stopped');
  await world.release();
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
  const row = list.getByRole('button', { name: 'A better name', exact: true });
  await page.getByRole('button', { name: 'Delete: A better name' }).click();
  await page.getByRole('heading', { level: 1, name: 'New chat' }).waitFor();
  await counts(row, 0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await row.waitFor();
  await row.hover();
  await page.getByRole('button', { name: 'Pin: A better name' }).click();
  await list.getByRole('heading', { name: 'Pinned' }).waitFor();
  await page.reload();
  await list.getByRole('heading', { name: 'Pinned' }).waitFor();
  await row.hover();
  await page.getByRole('button', { name: 'Delete: A better name' }).click();
  await page.reload(); // who leaves has decided
  await online(page);
  await list.getByRole('button', { name: 'the second conversation', exact: true }).waitFor();
  await counts(row, 0);
});

test('a draft survives a reload', async () => {
  const page = await fresh();
  await composer(page).fill('half a thought');
  await page.reload();
  await online(page);
  await eventually(async () => assert.equal(await composer(page).inputValue(), 'half a thought'));
});

test('who is signed out is told so', async () => {
  const context = await world.browser.newContext();
  const page = await world.tab(context);
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await shot(page, 'signed-out');
  await context.close();
});

test('who answers is chosen for a conversation, and stays', async () => {
  const page = await fresh();
  const choice = page.getByRole('combobox', { name: 'Model of this conversation' });
  await choice.waitFor();
  const [usual, other] = await choice.locator('option').evaluateAll((options) => options.slice(1).map((o) => o.value));
  const chosen = (name) => eventually(async () => assert.equal(await choice.inputValue(), name));
  await choice.selectOption(other);
  await say(page, 'who are you?');
  await ended(page);
  await says(page.locator('.answer-foot .model').first(), other);
  await page.reload();
  await ended(page);
  await chosen(other);
  await choice.selectOption('');
  await page.waitForFunction(async () => (await (await fetch(`/api/v1/sessions/${location.hash.slice(4)}`)).json()).model === null);
  await say(page, 'and now?');
  await ended(page, 2);
  await says(page.locator('.answer-foot .model').nth(1), usual);
  await page.getByRole('button', { name: 'New chat' }).click();
  await chosen('');
});

test('signing out forgets what was written here', async () => {
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

test('a used link says so, and how to get another', async () => {
  const context = await world.browser.newContext();
  const page = await world.tab(context, '/#t=used-before');
  await page.getByRole('heading', { name: 'This link does not work any more' }).waitFor();
  await page.getByText('nexflow link', { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => location.href), `${world.line.url}/`);
  const link = world.link();
  await page.evaluate((hash) => (location.hash = hash), new URL(link).hash);
  await composer(page).waitFor();
  await context.close();
});
