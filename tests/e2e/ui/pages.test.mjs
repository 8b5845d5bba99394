// The owner's pages, against a daemon: each opens, shows what is so, and stands in nobody's way.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { accessible, counts, ended, fits, focused, online, openWorld, say, shot, shots } from './harness.mjs';

const world = openWorld();

const PAGES = ['overview', 'tasks', 'schedules', 'channels', 'people', 'models', 'skills', 'settings', 'health'];

async function at(name, options) {
  const page = await world.tab(await world.window(options), `/#/${name}`);
  await online(page);
  await drawn(page);
  return page;
}

const drawn = (page) => page.locator('.page-column > :not(.loading)').first().waitFor();

// To another page in the same window.
async function turnTo(page, name) {
  await page.evaluate((hash) => (location.hash = hash), `#/${name}`);
  await page.locator(`.pages a[aria-current][href="#/${name}"]`).waitFor({ state: 'attached' });
  await drawn(page);
}

test('every page is clear of obstacles, in the light and in the dark', async () => {
  const page = await world.tab(await world.window({ viewport: { width: 1280, height: 860 } }));
  await online(page);
  await say(page, 'something for the pages');
  await ended(page);
  for (const name of PAGES) {
    await turnTo(page, name);
    await accessible(page, name);
    await shots(page, name);
  }
});

test('no page scrolls sideways on a phone, in either language', async () => {
  for (const locale of ['en-GB', 'ru-RU']) {
    const page = await at(PAGES[0], { locale, viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    for (const name of PAGES) {
      await turnTo(page, name);
      await fits(page, '.page', `${name} ${locale}`);
      await shot(page, `${name}-${locale}`);
    }
  }
});

test('on a phone a task is a card with all of it, and fingers find everything', async () => {
  const page = await at('overview', { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, locale: 'ru-RU' });
  await page.evaluate(() => (location.hash = '#/'));
  await world.hold(1);
  await page.getByRole('textbox', { name: 'Сообщение' }).fill('one that takes its time, so that it can be looked at');
  await page.getByRole('button', { name: 'Отправить' }).click();
  await page.locator('.turn[data-state="running"]').waitFor();
  await turnTo(page, 'tasks');
  const row = page.getByRole('row').filter({ has: page.locator('.badge.accent') });
  const cancel = row.getByRole('button', { name: 'Отменить' });
  const inside = async (locator) => {
    const { x, width } = await locator.boundingBox();
    assert.ok(x >= 0 && x + width <= 360, `${locator} stands from ${x} to ${x + width}`);
    return width;
  };
  await inside(cancel);
  assert.ok(await inside(row.locator('.grow')) > 300, 'the name has no room');
  await counts(row.getByRole('cell'), 5); // it is a table still, but for the tokens
  await accessible(page, 'tasks as cards');
  await shots(page, 'tasks-phone');
  for (const name of PAGES) {
    await turnTo(page, name);
    await page.evaluate(() => document.querySelectorAll('.page details').forEach((one) => (one.open = true)));
    assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('.page :is(button, summary, select, textarea, input:not([type=checkbox], [type=radio], [type=file]))')]
      .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.5)
      .map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 30)} ${one.getBoundingClientRect().height}`)), [], name);
  }
  await turnTo(page, 'tasks');
  await cancel.click();
  await row.waitFor({ state: 'detached' });
  const place = await page.getByRole('link', { name: 'something for the pages' }).first().evaluate((link) => {
    const { x, y, width, height } = link.closest('tr').getBoundingClientRect();
    return { x: x + width / 2, y: y + height - 8 };
  });
  await page.touchscreen.tap(place.x, place.y); // anywhere on the card
  await page.waitForFunction(() => location.hash.startsWith('#/tasks/'));
});

test('a task is listed, filtered by the address, and opened with its timeline', async () => {
  const chat = await world.tab(await world.window());
  await online(chat);
  await say(chat, 'to be looked at as a task');
  await ended(chat);
  await chat.getByRole('link', { name: 'How this answer came about' }).click(); // from the answer, too
  await chat.getByRole('heading', { name: 'Timeline' }).waitFor();
  await chat.locator('.detail-head', { hasText: 'to be looked at as a task' }).waitFor();
  const page = await at('tasks');
  await page.getByRole('link', { name: 'to be looked at as a task' }).first().waitFor();
  await page.getByRole('combobox', { name: 'State' }).selectOption('failed');
  await page.waitForFunction(() => location.hash === '#/tasks?status=failed');
  await page.getByText('No tasks in this state').waitFor();
  await page.reload();
  await page.getByText('No tasks in this state').waitFor();
  await page.getByRole('combobox', { name: 'State' }).selectOption('');
  await page.getByRole('link', { name: 'to be looked at as a task' }).first().click();
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  await page.locator('.timeline-lane i').first().waitFor();
  await accessible(page, 'a task');
  await page.getByRole('link', { name: 'Open the conversation' }).click();
  await page.locator('.bubble', { hasText: 'to be looked at as a task' }).waitFor();
});

test('the times of a task are told in the language of the page, whatever the browser speaks', async () => {
  const chat = await world.tab(await world.window());
  await online(chat);
  await say(chat, 'to be timed');
  await ended(chat);
  const page = await at('tasks', { locale: 'en-US' });
  await page.getByRole('link', { name: 'to be timed' }).first().click();
  const times = page.locator('.changes time');
  await times.first().waitFor();
  assert.match(await times.first().innerText(), /^\d{1,2}:\d\d:\d\d\s[AP]M$/);
  await page.evaluate(() => localStorage.setItem('nexflow.language', 'ru'));
  await page.reload();
  await times.first().waitFor();
  assert.match(await times.first().innerText(), /^\d{1,2}:\d\d:\d\d$/);
});

test('a setting is found, changed and put back; a change over another is refused', async () => {
  const page = await at('settings');
  await page.getByRole('searchbox', { name: 'Find a setting' }).fill('messages_per_minute');
  const field = page.getByRole('textbox', { name: 'limits.messages_per_minute' });
  await field.fill('99999');
  await page.getByRole('button', { name: 'Save 1 change' }).click();
  const by = page.getByText(/Saved and in force|cannot be changed by lines|written line by line/);
  await by.first().waitFor();
  // The file of this daemon has its limits in braces: a person must change those.
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('searchbox', { name: 'Find a setting' }).fill('log.level');
  await page.getByRole('combobox', { name: 'log.level' }).selectOption('warn');
  await page.getByRole('button', { name: 'Save 1 change' }).click();
  await page.getByText('Saved and in force').waitFor();
  await accessible(page, 'saved');

  const other = await at('settings?q=log.level');
  await page.getByRole('combobox', { name: 'log.level' }).selectOption('error');
  await page.getByRole('button', { name: 'Save 1 change' }).click();
  await page.getByText('Saved and in force').waitFor();
  await other.getByRole('combobox', { name: 'log.level' }).selectOption('info');
  await other.getByRole('button', { name: 'Save 1 change' }).click();
  await other.getByText('Somebody changed the file meanwhile').waitFor();
  await accessible(other, 'a conflict');
  await other.getByRole('button', { name: 'Read the file anew' }).click();
  await other.getByText('Somebody changed the file meanwhile').waitFor({ state: 'detached' });
  await other.getByRole('button', { name: 'Save 1 change' }).click();
  await other.getByText('Saved and in force').waitFor();
});

test('a model is asked for real', async () => {
  const page = await at('models');
  await page.getByRole('button', { name: /^Test: / }).first().click();
  await page.locator('.result.good', { hasText: 'answered' }).waitFor();
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('custom');
  await page.getByRole('textbox', { name: 'Address' }).fill('http://127.0.0.1:9/v1');
  await page.getByRole('button', { name: 'Look for models' }).click();
  await page.locator('.result.bad').waitFor();
  await accessible(page, 'a provider that is not there');
});

test('models are found by the address', async () => {
  const page = await at('models?q=PIECE%3D1000');
  const models = page.getByRole('region', { name: 'Available models' });
  await models.getByText('fake/echo;piece=1000').waitFor();
  await counts(models.getByRole('listitem'), 1);
  await page.getByRole('searchbox', { name: 'Find a model' }).fill('nothing like it');
  await models.getByText('No model has that in its name.').waitFor();
  await accessible(page, 'models, filtered');
  await page.getByRole('searchbox', { name: 'Find a model' }).fill('');
  await models.getByRole('button', { name: /^Test: / }).nth(1).waitFor();
});

test('what models used is drawn, told as a table, and taken along', async () => {
  const chat = await world.tab(await world.window());
  await online(chat);
  await say(chat, 'to be counted');
  await ended(chat);
  const page = await at('overview');
  const usage = page.getByRole('region', { name: 'Used in the last 24 hours' });
  await usage.getByRole('img', { name: /Tokens per hour/ }).waitFor();
  await usage.getByText('As a table').click();
  await usage.getByRole('row').nth(1).waitFor();
  const [file] = await Promise.all([page.waitForEvent('download'), usage.getByRole('link', { name: 'CSV' }).click()]);
  const rows = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
  const { usage: told } = await page.evaluate(async () => (await fetch('/api/v1/usage')).json());
  assert.deepEqual(rows.slice(1).map((row) => Number(row.split(',').at(-5))), told.map((row) => row.calls));
  await accessible(page, 'usage');
});

test('bounds and prices of a model, and the order behind a name, are changed', async () => {
  const page = await at('models');
  const models = page.getByRole('region', { name: 'Available models' });
  await models.getByRole('button', { name: /^Bounds and prices of/ }).first().click();
  await models.getByRole('textbox', { name: /^Window/ }).fill('9000');
  await models.getByRole('textbox', { name: /tokens read/ }).fill('2.50');
  await accessible(page, 'bounds');
  await models.getByRole('button', { name: 'Save' }).click();
  await models.getByText('2.50 / ?').waitFor();
  await models.getByText('Window 9K').waitFor();

  const aliases = page.getByRole('region', { name: 'Aliases and fallbacks' });
  await aliases.getByRole('button', { name: 'Add an alias' }).click();
  await aliases.getByRole('textbox', { name: 'Name' }).fill('fast');
  for (let i = 0; i < 2; i++) await aliases.getByRole('combobox', { name: 'Model' }).selectOption({ index: 1 });
  await aliases.getByRole('button', { name: 'Save alias' }).click();
  const chain = aliases.getByRole('listitem').filter({ hasText: 'fast' }).locator('.soft.mono');
  const [first, second] = (await chain.innerText()).split(' → ');
  await aliases.getByRole('button', { name: 'Change order: fast' }).click();
  await aliases.getByRole('button', { name: `Move ${second} up` }).click();
  await accessible(page, 'an alias');
  await aliases.getByRole('button', { name: 'Save alias' }).click();
  await chain.getByText(`${second} → ${first}`).waitFor();
  await aliases.getByRole('button', { name: 'Remove fast' }).click();
  await chain.waitFor({ state: 'detached' });
});

test('people are read a page at a time', async () => {
  const page = await at('people');
  await page.evaluate(async () => {
    for (let i = 1; i <= 60; i++) {
      await fetch('/api/v1/users', { method: 'POST', headers: { 'Content-Type': 'application/json' },
                                     body: JSON.stringify({ name: `Person ${i}`, role: 'user' }) });
    }
  });
  await page.reload();
  const more = page.getByRole('button', { name: 'More people' });
  await more.waitFor();
  await counts(page.getByRole('article'), 50);
  await more.click();
  await page.getByRole('article', { name: /^Person 60/ }).waitFor();
  await counts(more, 0);
});

test('people are found by name, role and state, all by the address', async () => {
  const page = await at('people');
  await page.evaluate(async () => {
    for (const [name, role] of [['Вера Павлова', 'user'], ['ПАВЕЛ', 'admin']]) {
      await fetch('/api/v1/users', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name, role }) });
    }
  });
  const people = page.getByRole('article');
  await page.getByRole('searchbox', { name: 'Find a person' }).fill('павл');
  await page.waitForFunction(() => location.hash.includes('q='));
  await page.getByRole('article', { name: /^Вера/ }).waitFor();
  await counts(people, 1);
  await page.getByRole('searchbox', { name: 'Find a person' }).fill('пав');
  await page.getByRole('article', { name: /^ПАВЕЛ/ }).waitFor();
  await page.getByRole('combobox', { name: 'Role', exact: true }).first().selectOption('admin');
  await page.getByRole('article', { name: /^Вера/ }).waitFor({ state: 'detached' });
  await accessible(page, 'people, filtered');
  await page.reload();
  await page.getByRole('article', { name: /^ПАВЕЛ/ }).waitFor();
  await counts(people, 1);
  await page.getByRole('combobox', { name: 'State' }).selectOption('blocked');
  await page.getByText('Nobody like that').waitFor();
});

test('every page is opened by keyboard alone', async () => {
  const page = await world.tab(await world.window({ viewport: { width: 1280, height: 860 } }));
  await online(page);
  await page.getByRole('link', { name: 'Manage' }).focus();
  await page.keyboard.press('Enter');
  for (const name of PAGES) {
    const link = page.locator(`.pages a[href="#/${name}"]`);
    for (let i = 0; i < 40 && !await link.evaluate((a) => a === document.activeElement); i++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator(`.pages a[aria-current][href="#/${name}"]`).waitFor();
    await drawn(page);
    await focused(link); // where it was
  }
});

test('a schedule is previewed, made, paused, run and deleted', async () => {
  const page = await at('schedules');
  await page.getByText('No schedules yet').waitFor();
  await page.getByRole('textbox', { name: 'Text', exact: true }).fill('stand up');
  await page.getByRole('combobox', { name: 'How often' }).selectOption('again');
  await page.getByRole('textbox', { name: 'Cron expression' }).fill('0 9 * * 1-5');
  await page.getByText('at 09:00 on weekdays').waitFor();
  await counts(page.locator('.schedule-preview li'), 3);
  assert.match(await page.locator('.schedule-preview li').first().innerText(), /, \d+ \w+ \d{4}(,| at) 09:00/); // as in Britain, where it is
  await accessible(page, 'a preview');
  await page.getByRole('button', { name: 'Create' }).click();
  const card = page.getByRole('article', { name: 'stand up' });
  await card.getByText('at 09:00 on weekdays').waitFor();
  await card.getByRole('button', { name: 'Pause' }).click();
  await card.getByRole('button', { name: 'Switch on' }).waitFor();
  await page.getByRole('combobox', { name: 'State' }).selectOption('active');
  await page.getByText('No schedules in this state').waitFor();
  await page.reload();
  await page.getByText('No schedules in this state').waitFor();
  await page.getByRole('combobox', { name: 'State' }).selectOption('paused');
  await card.getByRole('button', { name: 'Switch on' }).click();
  await page.getByRole('combobox', { name: 'State' }).selectOption('');
  await card.getByRole('button', { name: 'Run now' }).click();
  await card.getByText('Next runs and history').click();
  await card.getByText('by hand').waitFor();
  await accessible(page, 'a schedule');
  await card.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await card.waitFor({ state: 'detached' });
});

test('what the daemon says is told in Russian: what skills may do, why something is refused', async () => {
  const page = await at('skills', { locale: 'ru-RU' });
  const files = page.getByRole('article', { name: /^files/ });
  await files.getByText('Права, инструменты и журнал').click();
  await files.getByText('читает и пишет файлы разговора').waitFor();
  const lacks = await page.evaluate(async () => (await (await fetch('/health')).json()).sandbox.gaps.map((gap) => gap.text));
  for (const text of lacks) await counts(page.getByText(text.split(': ')[1], { exact: false }), 0);
  await turnTo(page, 'settings');
  await page.getByRole('searchbox').fill('listen');
  await page.getByRole('textbox', { name: 'server.listen' }).fill('nowhere');
  await page.getByRole('button', { name: 'Сохранить 1 изменение' }).click();
  await page.getByText(/Не сохранено: .*(Нужны адрес и порт до 65535|записано не построчно)/).waitFor();
  await turnTo(page, 'schedules');
  await page.getByRole('textbox', { name: 'Текст', exact: true }).fill('чай');
  await page.getByRole('textbox', { name: /Когда/ }).fill('soon');
  await page.getByText('Непонятное время. Пишите, например:').waitFor();
});

test('what every setting is for is said in Russian, too', async () => {
  const page = await at('settings', { locale: 'ru-RU' });
  const told = await page.locator('.setting').evaluateAll((all) => all.map((one) => [one.querySelector('.setting-key').textContent, one.querySelector('p.soft').textContent]));
  assert.ok(told.length > 60);
  assert.deepEqual(told.filter(([, text]) => !/[а-яё]{3}/i.test(text)), []);
  await page.getByRole('searchbox').fill('журнал');
  await page.getByRole('combobox', { name: 'log.level' }).waitFor();
});

test('what is looked at stands still while a page comes', async () => {
  const chat = await world.tab(await world.window());
  await online(chat);
  await say(chat, 'to be counted, too');
  await ended(chat);
  // With bars that take room, as many people have them.
  const browser = await world.launch({ ignoreDefaultArgs: ['--hide-scrollbars'] });
  try {
    const window = await browser.newContext({ storageState: world.state, locale: 'en-GB', viewport: { width: 1350, height: 940 } });
    await window.addInitScript(() => {
      localStorage.setItem('nexflow.role', 'owner'); // somebody who was here before
      globalThis.shifts = [];
      const at = ({ x, y, width, height }) => [x, y, width, height].map(Math.round);
      new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) {
          globalThis.shifts.push({ value, of: sources.map((s) => [s.node?.className ?? '', at(s.previousRect), at(s.currentRect)]) });
        }
      }).observe({ type: 'layout-shift', buffered: true });
    });
    for (const name of PAGES) {
      const page = await world.tab(window, `/#/${name}`);
      await online(page);
      await drawn(page);
      await page.waitForLoadState('networkidle');
      const shifts = await page.evaluate(() => globalThis.shifts);
      const moved = shifts.reduce((sum, { value }) => sum + value, 0);
      assert.ok(moved < 0.003, `${name}: ${moved} ${JSON.stringify(shifts)}`);
      await page.close();
    }
  } finally {
    await browser.close();
  }
});
