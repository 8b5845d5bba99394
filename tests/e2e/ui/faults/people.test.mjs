import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { accessible, counts, eventually, fits, online, openWorld, shot, shots } from '../harness.mjs';

const world = openWorld();
beforeEach(() => {
  if (world.mock) world.mock.role = 'owner';
  world.mock?.people.reset();
});

async function fresh(name, title, options) {
  const page = await world.tab(await world.window(options), `/#/${name}`);
  await online(page);
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
  return page;
}

const userId = (n) => n.toString(32).padStart(13, '0');

const card = (page, name) => page.getByRole('article', { name: new RegExp(`^${name}`) });

test('who asks is let in, as a new person or as somebody known', async () => {
  const page = await fresh('people', 'People');
  await card(page, 'Vera').getByText('telegram account 815, wrote to telegram').waitFor();
  await card(page, 'Vera <b>bold</b> ABCD-2345').waitFor(); // as text
  await accessible(page, 'people');
  await shot(page, 'people');
  await card(page, 'Vera').getByRole('combobox').selectOption({ label: 'as Anna' });
  await card(page, 'Vera').getByRole('button', { name: 'Let in' }).click();
  await card(page, 'Vera').waitFor({ state: 'detached' });
  await card(page, 'Somebody').getByText('Denied').waitFor();
  await card(page, 'Somebody').getByRole('button', { name: 'Let in' }).click();
  await page.getByText('Ask to be let in').waitFor({ state: 'detached' });
  await card(page, 'Somebody').getByRole('combobox').waitFor();
  await eventually(() => assert.deepEqual(world.mock.people.decisions, [
    { code: 'ABCD-2345', decision: 'approve', user: world.mock.people.users[1].id },
    { code: 'EFGH-6789', decision: 'approve' }]));
});

test('of many people the one whose account it is is found on the server', async () => {
  const { people } = world.mock;
  for (let i = 1; i <= 300; i++) {
    people.users.push({ ...people.users[1], id: userId(1000 + i), name: `Person ${i}` });
  }
  const page = await fresh('people', 'People');
  const vera = card(page, 'Vera');
  const whose = vera.getByRole('combobox', { name: 'As whom' });
  await vera.getByRole('searchbox', { name: 'Find whose it is' }).fill('person 29');
  await whose.getByRole('option', { name: 'as Person 299' }).waitFor({ state: 'attached' });
  await counts(whose.getByRole('option', { name: 'as Anna' }), 0);
  await whose.selectOption({ label: 'as Person 297' });
  await vera.getByRole('searchbox', { name: 'Find whose it is' }).fill('person 8'); // what is chosen stays
  await whose.getByRole('option', { name: 'as Person 88' }).waitFor({ state: 'attached' });
  assert.equal(await whose.locator('option:checked').innerText(), 'as Person 297');
  await accessible(page, 'whose account it is');
  await vera.getByRole('button', { name: 'Let in' }).click();
  await vera.waitFor({ state: 'detached' });
  assert.deepEqual(people.decisions, [{ code: 'ABCD-2345', decision: 'approve', user: userId(1297) }]);
});

test('who asks can be denied, and a refusal of the daemon is shown', async () => {
  const page = await fresh('people', 'People');
  await card(page, 'Vera').getByRole('button', { name: 'Deny' }).click();
  await card(page, 'Vera').getByText('Denied').waitFor();
  await card(page, 'Vera').waitFor();
  const code = world.mock.people.pairings[0];
  world.mock.people.pairings = [];
  await card(page, 'Vera').getByRole('button', { name: 'Let in' }).click();
  await page.getByRole('alert').getByText('nobody waits with it').waitFor();
  assert.equal(code.status, 'denied');
});

test('those who were denied are found by the address', async () => {
  const page = await fresh('people?asks=denied', 'People');
  await card(page, 'Somebody').waitFor();
  await counts(card(page, 'Vera'), 0);
  await page.getByRole('combobox', { name: 'Show' }).selectOption('open');
  await card(page, 'Vera').waitFor();
  await card(page, 'Somebody').waitFor({ state: 'detached' });
  await page.waitForFunction(() => location.hash === '#/people?asks=open');
  world.mock.people.pairings = [];
  await page.getByText('Nobody like that asks.').waitFor(); // and who looks can look at others
  await page.getByRole('combobox', { name: 'Show' }).selectOption('');
  await page.getByText('Ask to be let in').waitFor({ state: 'detached' });
});

test('bots are read a page at a time, and found by the address', async () => {
  const { bots } = world.mock.people;
  for (let i = 1; i <= 60; i++) bots.push({ ...bots[i % 2], name: `bot-${i}` });
  const page = await fresh('channels', 'Channels');
  const more = page.getByRole('button', { name: 'More bots' });
  await more.waitFor();
  await counts(page.getByRole('article'), 50);
  await more.click();
  await card(page, 'bot-60').waitFor();
  await counts(more, 0);
  await page.getByRole('searchbox', { name: 'Find a bot' }).fill('bot-6');
  await card(page, 'bot-5 ').waitFor({ state: 'detached' });
  await counts(page.getByRole('article'), 2);
  await page.getByRole('combobox', { name: 'State' }).selectOption('refused');
  await page.getByText('No bot like that').waitFor();
  await page.waitForFunction(() => location.hash === '#/channels?q=bot-6&state=refused');
  await accessible(page, 'bots, filtered');
  await page.reload();
  await page.getByText('No bot like that').waitFor();
  await page.getByRole('searchbox', { name: 'Find a bot' }).fill('bot-5');
  await card(page, 'bot-59').waitFor();
});

test('people are added, changed and blocked', async () => {
  const page = await fresh('people', 'People');
  await page.getByRole('textbox', { name: 'Name' }).fill('Clara');
  await page.getByRole('button', { name: 'Add a person' }).click();
  await card(page, 'Clara').getByRole('combobox', { name: 'Role: Clara' }).selectOption('admin');
  await card(page, 'Anna').getByText('Accounts and access').click();
  await card(page, 'Anna').getByRole('button', { name: 'Block' }).click();
  await card(page, 'Anna').getByText('Blocked', { exact: true }).waitFor();
  await eventually(() => {
    const [, anna, , clara] = world.mock.people.users;
    assert.equal(anna.status, 'blocked');
    assert.equal(clara.role, 'admin');
  });
  await counts(card(page, 'Owner').getByRole('combobox'), 0); // nobody demotes oneself
});

test('an account is linked by a link and a picture, and unlinked', async () => {
  const page = await fresh('people', 'People');
  await card(page, 'Anna').getByText('Accounts and access').click();
  await card(page, 'Anna').getByRole('button', { name: 'Link an account' }).click();
  const dialog = page.getByRole('dialog', { name: 'Link an account of Anna' });
  await dialog.getByText('https://t.me/telegram_bot?start=ABCDEFGHJKLM2345').waitFor();
  await dialog.getByText('ABCD-EFGH-JKLM-2345').waitFor();
  const picture = dialog.getByRole('img', { name: 'QR code for @telegram_bot' });
  await eventually(async () => assert.ok(await picture.evaluate((img) => img.complete && img.naturalWidth > 0)));
  await accessible(page, 'a link');
  await shot(page, 'people-link');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await card(page, 'Anna').getByRole('button', { name: 'Unlink: telegram 4711' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click();
  await card(page, 'Anna').getByText('None yet').waitFor();
});

test('a plain user sees themselves and nobody else', async () => {
  world.mock.role = 'user';
  const page = await fresh('people', 'People');
  await card(page, 'Owner').getByRole('button', { name: 'Link an account' }).waitFor();
  await counts(page.getByRole('article'), 1);
  await counts(page.getByRole('button', { name: 'Add a person' }), 0);
  await page.goto(`${world.line.url}/#/channels`);
  await page.getByText('There is nothing here').waitFor();
});

test('bots are shown with how they are and what to do', async () => {
  const page = await fresh('channels', 'Channels');
  await card(page, 'telegram').getByText('Connected').waitFor();
  await card(page, 'discord').getByText('Hears nothing').waitFor();
  await card(page, 'discord').getByText('the token is refused — put the right token').waitFor();
  await card(page, 'discord').getByText('4004').waitFor();
  await accessible(page, 'channels');
  await shots(page, 'channels');
  await card(page, 'telegram').getByText('Show as QR code').click();
  const picture = card(page, 'telegram').getByRole('img', { name: 'QR code of @telegram_bot' });
  await picture.waitFor();
  await card(page, 'telegram').getByRole('button', { name: 'Write to me' }).click();
  await card(page, 'telegram').getByText('The bot has written to you').waitFor();
  assert.deepEqual(world.mock.people.tests, ['telegram']);
  assert.equal(await card(page, 'telegram').getByRole('link', { name: 'Open the bot' }).getAttribute('href'),
    'https://t.me/telegram_bot');
});

test('a bot is connected from its token to a message there and back', async () => {
  const page = await fresh('channels', 'Channels');
  const token = page.getByLabel('Token of the bot');
  await page.getByLabel('What it is called here').fill('second');
  await token.fill('wrong');
  await page.getByRole('button', { name: 'Check and connect' }).click();
  await page.getByRole('alert').getByText('does not know this token').waitFor();
  await eventually(async () => assert.equal(await token.inputValue(), '')); // it is shown to nobody again
  assert.equal(await token.getAttribute('type'), 'password');
  await token.fill('123:right');
  await page.getByRole('button', { name: 'Check and connect' }).click();
  await page.getByText('The token is right: it is @second_bot.').waitFor();
  await page.getByText('Your answer has come. @second_bot works both ways.').waitFor();
  assert.deepEqual(world.mock.people.added.at(-1), { network: 'telegram', token: '123:right', name: 'second' });
  assert.deepEqual(world.mock.people.tests, ['second']);
  await accessible(page, 'adding a bot');
});

test('a bot that was refused gets another token, and one that is not wanted goes', async () => {
  const page = await fresh('channels', 'Channels');
  const discord = card(page, 'discord');
  await discord.getByLabel('Another token for this bot').fill('wrong'); // it is open, since that is what to do
  await discord.getByRole('button', { name: 'Check and replace' }).click();
  await discord.getByRole('alert').getByText('Discord does not know this token').waitFor();
  assert.equal(await discord.getByLabel('Another token for this bot').inputValue(), '');
  await accessible(page, 'another token');
  await shots(page, 'channels-token');
  await discord.getByLabel('Another token for this bot').fill('right');
  await page.keyboard.press('Enter');
  await discord.getByText('The token is right').waitFor();
  await discord.getByText('Connected', { exact: true }).waitFor();

  const telegram = card(page, 'telegram');
  await telegram.getByText('Token and removal').click();
  await telegram.getByRole('button', { name: 'Remove this bot' }).click();
  await page.getByRole('dialog', { name: 'Remove telegram?' }).getByRole('button', { name: 'Cancel' }).click();
  await telegram.getByRole('button', { name: 'Remove this bot' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove this bot' }).click();
  await telegram.waitFor({ state: 'detached' });
  await discord.waitFor();
});

test('a change of bots is said to hold for one instance of several', async () => {
  const page = await fresh('channels', 'Channels');
  const only = 'This holds for this instance of Nexflow only: do the same on the others.';
  const change = async () => {
    const discord = card(page, 'discord');
    await discord.getByLabel('Another token for this bot').fill('right');
    await page.keyboard.press('Enter');
    return discord;
  };
  const discord = await change();
  await discord.getByText('The token is right').waitFor();
  await counts(page.getByText(only), 0);
  world.mock.people.others = 1;
  await change();
  await discord.getByText(only).waitFor();
  await discord.getByRole('button', { name: 'Remove this bot' }).click();
  await page.getByRole('dialog', { name: 'Remove discord?' }).getByText(only).waitFor();
});

test('who is no owner adds no bot', async () => {
  world.mock.role = 'admin';
  const page = await fresh('channels', 'Channels');
  await card(page, 'telegram').getByText('Connected').waitFor();
  await counts(page.getByLabel('Token of the bot'), 0);
});

test('what changes is seen without reloading, and without bots the page says how to connect one', async () => {
  const page = await fresh('channels', 'Channels');
  await card(page, 'discord').getByText('Hears nothing').waitFor();
  world.mock.people.bots = [];
  await page.getByText('No bot is connected yet').waitFor();
  await page.getByText('nexflow channel add telegram').waitFor();
});

test('a phone of 360 pixels shows both without scrolling sideways, in both languages', async () => {
  for (const [name, title] of [['people', 'Люди'], ['channels', 'Каналы']]) {
    const page = await fresh(name, title, { viewport: { width: 360, height: 740 }, locale: 'ru-RU', hasTouch: true });
    await page.getByRole('article').first().waitFor();
    await fits(page, '.page');
    await accessible(page, `${name} on a phone`);
    await shot(page, `${name}-phone-ru`);
  }
});
