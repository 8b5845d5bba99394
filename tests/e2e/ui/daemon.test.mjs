// With NEXFLOW_ASKS: a daemon whose model calls calc_evaluate, which asks (tests/e2e/page_test.py).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, accessible, ended, online, say, shot } from './harness.mjs';

const skip = !process.env.NEXFLOW_ASKS;
let world;
before(async () => {
  if (!skip) world = await World.create();
});
after(() => world?.close());

test('a call waits for its approval, runs, and is shown again after a reload', { skip }, async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await say(page, 'work it out');
  const card = page.getByRole('article', { name: 'Allow this call?' });
  await card.waitFor();
  assert.match(await card.innerText(), /calc_evaluate/);
  assert.match(await card.innerText(), /"expression": "\(2\+3\)\*7"/);
  const tool = page.locator('details.tool').first();
  await tool.getByText('waits for you').waitFor();
  await accessible(page, 'an approval of the daemon');
  await page.reload();
  await card.waitFor();
  await card.getByRole('button', { name: 'Allow once' }).click();
  await ended(page);
  assert.equal(await card.count(), 0);
  await tool.getByText('done').waitFor();
  await tool.locator('summary').click();
  assert.match(await tool.innerText(), /35/);
  await tool.getByText(/ms in a sandbox of level L/).waitFor();
  await shot(page, 'daemon-tool');
  await page.reload();
  await ended(page);
  await tool.getByText('done').waitFor();

  await say(page, 'again');
  await card.getByRole('button', { name: 'Deny' }).click();
  await page.getByRole('textbox', { name: 'Why not? The model is told.' }).fill('not today');
  await page.keyboard.press('Enter');
  await ended(page, 2);
  const denied = page.locator('details.tool').nth(1);
  await denied.getByText('failed').waitFor();
  await denied.locator('summary').click();
  assert.match(await denied.innerText(), /not today/);
});

test('the page of skills has those of the daemon, and runs one', { skip }, async () => {
  const page = await world.tab(await world.window(), '/#/skills');
  await online(page);
  const calc = page.getByRole('article', { name: /^calc/ });
  await calc.getByText('Enabled', { exact: true }).waitFor();
  await page.getByText(/Sandbox level L/).first().waitFor();
  await calc.getByText('Rights, tools and log').click();
  await calc.getByText('only computes').waitFor();
  assert.equal(await calc.getByText('asks when a model calls it').count(), 4, 'as the configuration says');
  await calc.getByRole('combobox', { name: 'Tool' }).selectOption('evaluate');
  await calc.getByRole('textbox', { name: 'Arguments, as JSON' }).fill('{"expression": "6*7"}');
  await calc.getByRole('button', { name: 'Run' }).click();
  await calc.getByText('"result": "42"').waitFor();
  await accessible(page, 'skills of the daemon');
  await shot(page, 'daemon-skills');
  await calc.getByRole('button', { name: 'Disable' }).click();
  await calc.getByText('Disabled', { exact: true }).waitFor();
  await calc.getByRole('button', { name: 'Enable', exact: true }).click();
  await calc.getByText('Enabled', { exact: true }).waitFor();
});
