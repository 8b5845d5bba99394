// From a daemon that has no model and no bot to one that answers on the page and in a chat, without a
// file being edited. Told by its test (page_test.py):
//
//   NEXFLOW_PROVIDER       a provider with the model "small"
//   NEXFLOW_TELEGRAM       a stand-in for Telegram with the account 1001, and the token of a bot
//   NEXFLOW_TELEGRAM_TOKEN
//   NEXFLOW_DISCORD        a stand-in for Discord with the account 2001, and the token of a bot
//   NEXFLOW_DISCORD_TOKEN
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, ended, eventually, online, openWorld, say } from './harness.mjs';

const world = openWorld();
const { NEXFLOW_PROVIDER: PROVIDER, NEXFLOW_TELEGRAM: TELEGRAM, NEXFLOW_TELEGRAM_TOKEN: TOKEN } = process.env;

const ask = (what, body) => fetch(`${TELEGRAM}/_${what}`, { method: 'POST', body: JSON.stringify(body) });
const writes = (text) => ask('say', { chat: 1001, from: 1001, text });

async function turnTo(page, name) {
  await page.evaluate((hash) => (location.hash = hash), `#/${name}`);
  await page.locator(`.pages a[aria-current][href="#/${name}"]`).waitFor({ state: 'attached' });
}

test('a fresh installation is set up on the page alone', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await page.getByRole('heading', { name: 'No model is connected yet' }).waitFor();
  await turnTo(page, 'overview');
  const setup = page.getByRole('region', { name: 'Set up Nexflow' });
  const step = (name) => setup.getByRole('listitem').filter({ hasText: name });
  await step('Connect a model').getByRole('link', { name: 'Open' }).click();

  await page.getByRole('combobox', { name: 'Kind' }).selectOption('custom');
  await page.getByRole('textbox', { name: 'Address' }).fill(PROVIDER);
  await page.getByRole('button', { name: 'Look for models' }).click();
  await page.getByRole('checkbox', { name: 'small' }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.result.good', { hasText: 'custom can answer now' }).waitFor();
  await page.getByRole('button', { name: 'Bounds and prices of custom/small' }).click();
  await page.getByRole('textbox', { name: 'Price of a million tokens read' }).fill('10');
  await page.getByRole('textbox', { name: 'Price of a million tokens written' }).fill('20');
  await page.getByRole('button', { name: 'Save' }).first().click();
  await page.getByText('10 / 20 USD').waitFor();

  await turnTo(page, 'overview');
  await step('Connect a model').getByText('done').waitFor();
  await step('Ask it something').getByRole('link', { name: 'Open' }).click();
  await say(page, 'are you there?');
  await ended(page);
  await answers(page).getByText('I am here.').waitFor();
  await page.locator('.answer-foot', { hasText: 'custom/small' }).getByText('1,000 in · 500 out').waitFor();
  await page.locator('.answer-foot').getByText('$0.02').waitFor(); // what it cost

  await turnTo(page, 'channels');
  await page.evaluate((base) => { // as for a network that is not the real one
    const { fetch: ask_ } = window;
    window.fetch = (url, options) => ask_(url, options?.method === 'POST' && url === '/api/v1/channels'
      ? { ...options, body: JSON.stringify({ ...JSON.parse(options.body), api_base: base }) } : options);
  }, TELEGRAM);
  await page.getByLabel('Token of the bot').fill(TOKEN);
  await page.getByRole('button', { name: 'Check and connect' }).click();
  await page.getByText('Now make your account known to it').waitFor();
  await page.getByRole('img', { name: /^QR code of/ }).waitFor();
  const link = await page.locator('.way code').first().innerText();
  await writes(`/start ${new URL(link).searchParams.get('start')}`);
  await page.getByText('The bot has written to you').waitFor();
  await writes('what do you say?');
  await page.getByText('works both ways').waitFor();
  await turnTo(page, 'overview');
  await page.getByRole('heading', { name: 'Recent tasks' }).waitFor();
  await setup.waitFor({ state: 'detached' });
});

// The page has it as soon as it was said there.
async function saidOnDiscord(page, content) {
  const { NEXFLOW_DISCORD: base, NEXFLOW_DISCORD_TOKEN: token } = process.env;
  const post = (path, body) => page.evaluate(async ([to, what]) => (await fetch(to, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(what) })).status, [path, body]);
  assert.equal(await post('/api/v1/channels', { network: 'discord', token, api_base: `${base}/api/v10` }), 200);
  assert.equal(await post('/api/v1/users/me/identities', { network: 'discord', account: '2001' }), 200);
  await eventually(async () => {
    const { channels } = await world.ask('/api/v1/channels?network=discord');
    assert.equal(channels[0].state, 'connected');
  });
  await fetch(`${base}/_say`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ from: '2001', content }) });
}

test('what was said on Discord is read and continued on the page, too', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await saidOnDiscord(page, 'and what do you say here?');
  const there = page.locator('.session-name', { hasText: 'and what do you say here?' });
  await there.getByText('discord').waitFor();
  await there.click();
  await answers(page).getByText('I am here.').waitFor();
  await say(page, 'and from the page?');
  await ended(page, 2);
  await page.reload();
  await ended(page, 2);
  assert.deepEqual((await world.stored(page)).filter(({ role }) => role === 'user').map(({ content }) => content),
    ['and what do you say here?', 'and from the page?']);
});

test('what was said in a chat network is read and continued on the page', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  const there = page.locator('.session-name', { hasText: 'what do you say?' });
  await there.getByText('telegram').waitFor();
  await there.click();
  await answers(page).getByText('I am here.').waitFor();
  await say(page, 'and from the page?');
  await ended(page, 2);
  await page.reload();
  await ended(page, 2);
  assert.deepEqual((await world.stored(page)).filter(({ role }) => role === 'user').map(({ content }) => content),
    ['what do you say?', 'and from the page?']);
});
