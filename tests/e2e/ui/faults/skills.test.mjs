import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { accessible, counts, eventually, fits, online, openWorld, shot, shots } from '../harness.mjs';

const world = openWorld();
beforeEach(() => world.mock?.skills.reset());

async function fresh(options) {
  const page = await world.tab(await world.window(options), '/#/skills');
  await online(page);
  await page.getByRole('heading', { level: 1, name: 'Skills' }).waitFor();
  return page;
}

const card = (page, name) => page.getByRole('article', { name: new RegExp(`^${name}`) });

test('the page of skills is loaded when somebody looks, and the back button leaves it', async () => {
  const page = await world.tab(await world.window());
  const asked = [];
  page.on('request', (r) => asked.push(new URL(r.url()).pathname));
  await online(page);
  assert.deepEqual(asked.filter((p) => p.includes('skills')), []);
  await page.getByRole('link', { name: 'Manage' }).click();
  await page.getByRole('link', { name: 'Skills' }).click();
  await card(page, 'calc').waitFor();
  await counts(page.getByRole('textbox', { name: 'Message' }), 0);
  await page.waitForFunction(() => document.title === 'Skills · Nexflow');
  await page.locator('.pages a[aria-current="page"]', { hasText: 'Skills' }).waitFor();
  await page.goBack(); // to the first of the pages, where "Manage" leads
  await page.goBack();
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  await page.goForward();
  await page.goForward();
  await card(page, 'calc').waitFor();
  await page.getByRole('link', { name: 'Chats' }).click();
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
});

test('it is the owner\u2019s alone', async () => {
  world.mock.role = 'user';
  const page = await world.tab(await world.window());
  await online(page);
  await page.getByRole('link', { name: 'Manage' }).click();
  await page.getByRole('link', { name: 'People' }).waitFor();
  await counts(page.getByRole('link', { name: 'Skills' }), 0);
  await page.goto(`${world.line.url}/#/skills`);
  await page.getByText('There is nothing here').waitFor();
  world.mock.role = 'owner';
});

test('skills are listed with what they may do, and nothing stands in the way', async () => {
  const page = await fresh({ viewport: { width: 1280, height: 860 } });
  await card(page, 'weather').getByText('Needs your consent').waitFor();
  await card(page, 'broken').getByText('its files were changed').waitFor();
  await page.getByText('Sandbox level L2').first().waitFor();
  await page.getByText('Missing: cgroup: not delegated').waitFor();
  await accessible(page, 'skills');
  await shots(page, 'skills');
  await card(page, 'notes').getByText('Rights, tools and log').click();
  await card(page, 'notes').getByText('keeps up to 1024 KiB for each person').waitFor();
  await card(page, 'notes').getByText('asks when a model calls it').waitFor();
  await card(page, 'notes').getByText('the worker was killed').waitFor();
  await accessible(page, 'a skill in full');
  await shots(page, 'skill');
  await card(page, 'weather').getByRole('button', { name: 'Look at its rights and enable' }).click();
  await page.getByRole('dialog').getByText('reaches https://api.open-meteo.com/').waitFor();
  await accessible(page, 'consent');
  await shots(page, 'consent');
});

test('consent is asked once, with what it is for, and is for these files', async () => {
  const page = await fresh();
  const weather = card(page, 'weather');
  await weather.getByRole('button', { name: 'Look at its rights and enable' }).click();
  const dialog = page.getByRole('dialog', { name: 'Let weather do this?' });
  await dialog.getByText('has the secret WEATHER_KEY sent along').waitFor();
  await dialog.getByText('asks every time').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await weather.getByText('Needs your consent').waitFor();

  await weather.getByRole('button', { name: 'Look at its rights and enable' }).click();
  const changed = world.mock.skills.list.find((s) => s.name === 'weather');
  changed.hash = 'cd'.repeat(32);
  changed.rights = [{ text: 'reaches any public https address', code: 'may-reach-all' }];
  await dialog.getByRole('button', { name: 'Allow and enable' }).click();
  await page.getByText('hash: its files have changed').waitFor();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await weather.getByRole('button', { name: 'Look at its rights and enable' }).click();
  await dialog.getByText('reaches any public https address').waitFor();
  await dialog.getByRole('button', { name: 'Allow and enable' }).click();
  await weather.getByText('Enabled', { exact: true }).waitFor();
  await weather.getByRole('button', { name: 'Disable' }).click();
  await weather.getByText('Disabled', { exact: true }).waitFor();
  await weather.getByRole('button', { name: 'Enable', exact: true }).click();
  await weather.getByText('Enabled', { exact: true }).waitFor();
});

test('a tool is run by hand, and what is wrong is said', async () => {
  const page = await fresh();
  const calc = card(page, 'calc');
  await calc.getByText('Rights, tools and log').click();
  const args = calc.getByRole('textbox', { name: 'Arguments, as JSON' });
  await eventually(async () => assert.deepEqual(JSON.parse(await args.inputValue()), { expression: '' }));
  await args.fill('{"expression": "5*7"');
  await calc.getByText('This is no JSON object').waitFor();
  await calc.getByRole('button', { name: 'Run', disabled: true }).waitFor();
  await args.fill('{"expression": "5*7"}');
  await calc.getByRole('button', { name: 'Run' }).click();
  await calc.getByText('"value": 35').waitFor();
  await calc.getByText(/2\sms, level L2/).waitFor();
  assert.deepEqual(world.mock.skills.runs.at(-1), { name: 'calc', toolName: 'evaluate', body: { expression: '5*7' } });
  await args.fill('{"expression": "1/0"}');
  await calc.getByRole('button', { name: 'Run' }).click();
  await calc.getByText('expression: division by zero').waitFor();
  await accessible(page, 'a failed run');
  await shot(page, 'skill-run');
  await calc.getByRole('combobox', { name: 'Tool' }).selectOption('convert');
  await eventually(async () => assert.equal(await args.inputValue(), '{}'));
});

test('a skill is removed only after a question, and its data only if that is ticked', async () => {
  const page = await fresh();
  await page.getByRole('button', { name: 'Remove: notes' }).click();
  const dialog = page.getByRole('dialog', { name: 'Remove notes?' });
  await dialog.getByText('What it keeps for people stays').waitFor();
  await accessible(page, 'removal');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Remove: notes' }).click();
  await dialog.getByRole('checkbox', { name: 'Remove that too' }).check();
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await card(page, 'notes').waitFor({ state: 'detached' });
  assert.deepEqual(world.mock.skills.removed, ['notes data=remove']);
});

test('a call by hand that waits for a decision is decided on the same page', async () => {
  const page = await fresh();
  const decided = world.mock.ask(null, null, 'weather_forecast', '{"place":"Riga"}');
  await page.getByRole('article', { name: 'Allow this call?' }).getByRole('button', { name: 'Allow once' }).click();
  assert.equal(await decided, '');
  await page.locator('.approval').waitFor({ state: 'detached' });
});

test('skills are read a page at a time, and found by the address', async () => {
  const { list } = world.mock.skills;
  for (let i = 1; i <= 60; i++) list.push({ ...list[i % 3], name: `skill-${i}` });
  const page = await fresh();
  const more = page.getByRole('button', { name: 'More skills' });
  await more.waitFor();
  await counts(page.getByRole('article'), 50);
  await more.click();
  await card(page, 'skill-60').waitFor();
  await counts(more, 0);
  await page.getByRole('searchbox', { name: 'Find a skill' }).fill('skill-6');
  await card(page, 'calc').waitFor({ state: 'detached' });
  await counts(page.getByRole('article'), 2);
  await page.getByRole('combobox', { name: 'State' }).selectOption('installed');
  await page.getByText('No skill like that').waitFor();
  await accessible(page, 'skills, filtered');
  await page.reload();
  await page.getByText('No skill like that').waitFor();
  await page.waitForFunction(() => location.hash === '#/skills?q=skill-6&status=installed');
});

test('without skills the page says how to install one', async () => {
  world.mock.skills.list = [];
  world.mock.skills.sandbox = { level: 'L3', missing: '' };
  const page = await fresh();
  await page.getByText('nexflow skill install DIR').waitFor();
  await page.getByText('Every layer of the sandbox works').waitFor();
  await accessible(page, 'no skills');
});

test('a phone of 360 pixels shows skills without scrolling sideways, in both languages', async () => {
  const page = await fresh({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  await card(page, 'weather').waitFor();
  await card(page, 'calc').getByText('Rights, tools and log').tap();
  await card(page, 'calc').getByRole('button', { name: 'Run' }).waitFor();
  await fits(page, '.page');
  await shot(page, 'skills-phone');
  await accessible(page, 'skills on a phone');
  await page.getByRole('button', { name: 'Show conversations' }).tap();
  await page.getByRole('combobox', { name: 'Language' }).selectOption('ru');
  await page.keyboard.press('Escape');
  await page.getByText('Навыки — это инструменты').waitFor();
  await card(page, 'notes').getByText('Права, инструменты и журнал').tap();
  await card(page, 'notes').getByText('хранит до 1024 КиБ для каждого').waitFor();
  await fits(page, '.page');
  await shot(page, 'skills-phone-ru');
});
