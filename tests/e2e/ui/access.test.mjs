import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, composer, ended, focused, longText, online, openWorld, say, says, shot } from './harness.mjs';

const world = openWorld();

test('everything works by keyboard alone', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await focused(composer(page));

  await page.keyboard.type('two lines');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('sent by a key');
  await page.keyboard.press('Enter');
  await ended(page);
  await says(page.locator('.bubble').first(), 'two lines\nsent by a key');

  await world.hold(40);
  await composer(page).fill(longText(8));
  await page.keyboard.press('Enter');
  await answers(page).nth(1).locator('p').first().waitFor();
  await page.keyboard.press('Escape');
  await ended(page, 1, 'stopped');
  await world.release();

  await page.keyboard.press('Alt+ArrowUp');
  await focused(page.locator('.message.assistant').last());
  await page.keyboard.press('Alt+ArrowUp');
  await focused(page.locator('.message.user').last());
  await page.keyboard.press('Alt+ArrowDown');
  await page.keyboard.press('Alt+ArrowDown');
  await focused(composer(page));

  await page.keyboard.press('Control+Shift+O');
  await page.getByRole('heading', { level: 1, name: 'New chat' }).waitFor();
  await focused(composer(page));

  // Round the page by Tab: everything that has focus shows it, and nothing keeps it.
  const seen = new Set();
  for (let i = 0; i < 400; i++) { // as many as a long list of conversations may take
    await page.keyboard.press('Tab');
    const now = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return 'body';
      const style = getComputedStyle(element);
      const box = getComputedStyle(element.closest('.composer-box') ?? element);
      const shown = style.outlineStyle !== 'none' || box.outlineStyle !== 'none';
      return `${shown ? '' : 'hidden focus: '}${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent}`;
    });
    seen.add(now);
    if (i >= 40 && now.includes('New chat')) break; // once round
  }
  assert.deepEqual([...seen].filter((s) => s.startsWith('hidden')), []);
  assert.ok([...seen].some((s) => s.includes('New chat')) && [...seen].some((s) => s.includes('TEXTAREA')));

  await page.locator('.session-name').first().focus();
  await page.keyboard.press('Enter');
  await page.locator('.bubble').first().waitFor();
  // Search, open what was found, put the question otherwise, look at both versions: without a pointer.
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search' }).waitFor();
  await page.keyboard.type('sent by a key');
  await page.getByRole('option', { name: /sent by a key/ }).first().waitFor();
  await page.getByRole('group', { name: 'Messages' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('combobox', { name: 'Search' }).waitFor({ state: 'detached' });
  await composer(page).focus();
  await page.keyboard.press('ArrowUp');
  await focused(page.getByRole('textbox', { name: 'Edit' }));
  await page.keyboard.press('Escape');
  await focused(composer(page));
  await page.keyboard.press('ArrowUp');
  await focused(page.getByRole('textbox', { name: 'Edit' }));
  await page.keyboard.press('Control+a');
  await page.keyboard.type('put otherwise');
  await page.keyboard.press('Enter');
  await page.locator('.bubble', { hasText: 'put otherwise' }).waitFor();
  await page.locator('.turn[data-state="done"] .bubble', { hasText: 'put otherwise' }).waitFor();
  const back = page.getByRole('button', { name: 'Previous version' });
  for (let i = 0; i < 60 && !await back.evaluate((b) => b === document.activeElement); i++) await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await page.locator('.bubble', { hasText: 'put otherwise' }).waitFor({ state: 'detached' });
});

test('the language can be changed and stays', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await page.getByRole('combobox', { name: 'Language' }).selectOption('ru');
  await page.getByRole('button', { name: 'Новый чат' }).waitFor();
  await page.waitForFunction(() => document.documentElement.lang === 'ru');
  await page.reload();
  await page.getByRole('button', { name: 'Новый чат' }).waitFor();
  await shot(page, 'russian');
});

test('the transcript is silent and a status speaks', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  assert.equal(await page.getByRole('log').getAttribute('aria-live'), 'off');
  await say(page, 'speak');
  await ended(page);
  await page.getByRole('status').filter({ hasText: 'Answer complete' }).waitFor({ state: 'attached' });
});

test('who wants no motion gets none', async () => {
  const page = await world.tab(await world.window({ reducedMotion: 'reduce' }));
  await online(page);
  await say(page, 'still');
  await ended(page);
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
});
