// Against a daemon whose model calls calc_evaluate, which asks (tests/e2e/page_test.py).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, counts, ended, online, openWorld, say, says, shot } from './harness.mjs';

const world = openWorld();

test('a call waits for its approval, runs, and is shown again after a reload', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await say(page, 'work it out');
  const card = page.getByRole('article', { name: 'Allow this call?' });
  await card.waitFor();
  await says(card, /calc_evaluate/);
  await says(card, /"expression": "\(2\+3\)\*7"/);
  const tool = page.locator('details.tool').first();
  await tool.getByText('waits for you').waitFor();
  await accessible(page, 'an approval of the daemon');
  await page.reload();
  await card.waitFor();
  await card.getByRole('button', { name: 'Allow once' }).click();
  await ended(page);
  await counts(card, 0);
  await tool.getByText('done').waitFor();
  await tool.locator('summary').click();
  await says(tool, /35/);
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
  await says(denied, /not today/);
});

test('the page of skills has those of the daemon, and runs one', async () => {
  const page = await world.tab(await world.window(), '/#/skills');
  await online(page);
  const calc = page.getByRole('article', { name: /^calc/ });
  await calc.getByText('Enabled', { exact: true }).waitFor();
  await page.getByText(/Sandbox level L/).first().waitFor();
  await calc.getByText('Rights, tools and log').click();
  await calc.getByText('only computes').waitFor();
  await counts(calc.getByText('asks when a model calls it'), 4, 'as the configuration says');
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

test('a skill is installed from a directory by who has seen what it may do', async () => {
  const page = await world.tab(await world.window(), '/#/skills');
  const install = page.getByRole('region', { name: 'Install a skill' });
  await install.getByRole('textbox').fill('/nowhere/at/all');
  await install.getByRole('button', { name: 'Look at it' }).click();
  await install.locator('.result.bad').waitFor();
  await install.getByRole('textbox').fill(process.env.NEXFLOW_SKILL);
  await install.getByRole('button', { name: 'Look at it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Let text do this?' });
  await dialog.getByText('What it may do').waitFor();
  await accessible(page, 'what a skill may do');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  await counts(page.getByRole('article', { name: /^text/ }), 0);
  await install.getByRole('button', { name: 'Look at it' }).click();
  await dialog.getByRole('button', { name: 'Install and enable' }).click();
  await page.getByText('text is installed and enabled.').waitFor();
  await page.getByRole('article', { name: /^text/ }).getByText('Enabled', { exact: true }).waitFor();
});

test('the pages of people and channels have those of the daemon', async () => {
  const page = await world.tab(await world.window(), '/#/people');
  await online(page);
  const owner = page.getByRole('article', { name: /^Owner/ });
  await owner.getByText('Accounts and access').click();
  await owner.getByText('None yet').waitFor();
  await owner.getByRole('button', { name: 'Link an account' }).click();
  await page.getByRole('dialog').getByText('No bot is connected yet').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Clara');
  await page.getByRole('button', { name: 'Add a person' }).click();
  await page.getByRole('combobox', { name: 'Role: Clara' }).selectOption('admin');
  await accessible(page, 'people of the daemon');
  await page.getByRole('link', { name: 'Channels' }).click();
  await page.getByText('No bot is connected yet').waitFor();
});
