import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, accessible, answers, composer, ended, longText, online, real, say, shot } from './harness.mjs';

let world;
before(async () => {
  world = await World.create();
});
after(() => world.close());

async function filled(options) {
  const page = await world.tab(await world.window(options));
  await online(page);
  if (!real) {
    await say(page, 'mock:tool');
    await ended(page);
    await say(page, 'mock:fail');
    await ended(page, 2);
    await say(page, 'mock:error');
    await ended(page, 1, 'failed');
  }
  await say(page, longText(1));
  await page.locator('.turn[data-state="done"] figure.code').first().waitFor();
  await page.locator('.hljs-keyword').first().waitFor();
  return page;
}

for (const colorScheme of ['light', 'dark']) {
  test(`nothing stands in anyone's way (${colorScheme})`, async () => {
    const page = await filled({ colorScheme, viewport: { width: 1280, height: 860 } });
    await accessible(page, 'chat');
    await shot(page, `chat-${colorScheme}`);
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await accessible(page, 'shortcuts');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.getByText('What shall we work on?').waitFor();
    await accessible(page, 'a new chat');
    await shot(page, `new-${colorScheme}`);
    if (!real) {
      await say(page, 'mock:refuse');
      await page.getByText('Not sent: too many messages wait').waitFor();
      await accessible(page, 'a refused message');
      await page.getByRole('button', { name: 'Discard' }).click();
      const models = world.mock.models;
      world.mock.models = [];
      await page.reload();
      await page.getByRole('heading', { name: 'No model is connected yet' }).waitFor();
      await accessible(page, 'first run');
      world.mock.models = models;
    }
    const context = await world.browser.newContext({ colorScheme });
    const outside = await world.tab(context);
    await outside.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await accessible(outside, 'signed out');
    await context.close();
  });
}

test('everything works by keyboard alone', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'composer');

  await page.keyboard.type('two lines');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('sent by a key');
  await page.keyboard.press('Enter');
  await ended(page);
  assert.equal(await page.locator('.bubble').first().innerText(), 'two lines\nsent by a key');

  await composer(page).fill(longText(8));
  await page.keyboard.press('Enter');
  await answers(page).nth(1).locator('p').first().waitFor();
  await page.keyboard.press('Escape');
  await ended(page, 1, 'stopped');

  await page.keyboard.press('Alt+ArrowUp');
  assert.equal(await page.evaluate(() => document.activeElement?.className), 'message assistant');
  await page.keyboard.press('Alt+ArrowUp');
  assert.equal(await page.evaluate(() => document.activeElement?.className), 'message user');
  await page.keyboard.press('Alt+ArrowDown');
  await page.keyboard.press('Alt+ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'composer');

  await page.keyboard.press('Control+Shift+O');
  await page.getByRole('heading', { level: 1, name: 'New chat' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'composer');

  // Round the page by Tab: everything that has focus shows it, and nothing keeps it.
  const seen = new Set();
  for (let i = 0; i < 40; i++) {
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
  }
  assert.deepEqual([...seen].filter((s) => s.startsWith('hidden')), []);
  assert.ok([...seen].some((s) => s.includes('New chat')) && [...seen].some((s) => s.includes('TEXTAREA')));

  await page.locator('.session-name').first().focus();
  await page.keyboard.press('Enter');
  await page.locator('.bubble').first().waitFor();
  await page.locator('.session-name').first().focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.match(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? ''), /^Delete:/);
});

test('a phone of 360 pixels shows all without scrolling sideways', async () => {
  const page = await filled({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  await say(page, `${'unbreakable'.repeat(30)}\n\n\`\`\`\n${'long line '.repeat(40)}\n\`\`\`\n\n| ${'column | '.repeat(9)}\n|${'---|'.repeat(9)}\n| ${'value | '.repeat(9)}`);
  await ended(page, real ? 2 : 4);
  assert.equal(await page.locator('.waiting').count(), 0);
  const sideways = () => page.evaluate(() => {
    const root = document.scrollingElement;
    const box = document.querySelector('.transcript');
    return [root.scrollWidth - root.clientWidth, box.scrollWidth - box.clientWidth];
  });
  assert.deepEqual(await sideways(), [0, 0]);
  await shot(page, 'phone');
  await accessible(page, 'phone');
  await page.getByRole('button', { name: 'Show conversations' }).tap();
  await page.getByRole('button', { name: 'New chat' }).waitFor();
  await page.waitForTimeout(250);
  assert.deepEqual(await sideways(), [0, 0]);
  await shot(page, 'phone-menu');
  const small = await page.locator('.sidebar button:visible, .composer button:visible').evaluateAll((buttons) =>
    buttons.map((b) => b.getBoundingClientRect()).filter((r) => r.width < 43 || r.height < 43).length);
  assert.equal(small, 0, 'targets of a finger are 44 pixels');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement?.id === 'menu');
});

test('the language can be changed and stays', async () => {
  const page = await world.tab(await world.window());
  await online(page);
  await page.getByRole('combobox', { name: 'Language' }).selectOption('ru');
  await page.getByRole('button', { name: 'Новый чат' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ru');
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
