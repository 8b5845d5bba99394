// What there is to see in a conversation, in every scheme and size: a model's answer, tools, failures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, counts, ended, eventually, fits, focused, longText, online, openWorld, say, shot, shots } from '../harness.mjs';

const world = openWorld();

let place; // of a conversation with everything in it

async function fill() {
  const page = await world.tab(await world.window());
  await online(page);
  await say(page, 'mock:tool');
  await ended(page);
  await say(page, 'mock:fail');
  await ended(page, 2);
  await say(page, 'mock:error');
  await ended(page, 1, 'failed');
  await say(page, longText(1));
  await ended(page, 3);
  place = `/${await page.evaluate(() => location.hash)}`;
  await page.context().close();
}

async function filled(options) {
  if (!place) await fill();
  const page = await world.tab(await world.window(options), place);
  await page.locator('.hljs-keyword').first().waitFor();
  return page;
}

test("nothing stands in anyone's way", async () => {
  const page = await filled({ viewport: { width: 1280, height: 860 } });
  await accessible(page, 'chat');
  await shots(page, 'chat');
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  await accessible(page, 'shortcuts');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByText('What shall we work on?').waitFor();
  await accessible(page, 'a new chat');
  await shots(page, 'new');
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
  const outside = await world.tab(await world.browser.newContext());
  await outside.getByRole('heading', { name: 'You are signed out' }).waitFor();
  await accessible(outside, 'signed out');
});

test('a phone of 360 pixels shows all without scrolling sideways', async () => {
  const page = await filled({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  await say(page, `${'unbreakable'.repeat(30)}\n\n\`\`\`\n${'long line '.repeat(40)}\n\`\`\`\n\n| ${'column | '.repeat(9)}\n|${'---|'.repeat(9)}\n| ${'value | '.repeat(9)}`);
  await ended(page, 4);
  await counts(page.locator('.waiting'), 0);
  await fits(page, '.transcript');
  await shot(page, 'phone');
  await accessible(page, 'phone');
  await page.getByRole('button', { name: 'Show conversations' }).tap();
  await page.getByRole('button', { name: 'New chat' }).waitFor();
  await page.waitForFunction(() => document.getAnimations().length === 0);
  await fits(page, '.transcript');
  await shot(page, 'phone-menu');
  await eventually(async () => {
    const small = await page.locator('.sidebar button:visible, .composer button:visible').evaluateAll((buttons) =>
      buttons.map((b) => b.getBoundingClientRect()).filter((r) => r.width < 43 || r.height < 43).length);
    assert.equal(small, 0, 'targets of a finger are 44 pixels');
  });
  await page.keyboard.press('Escape');
  await focused(page.locator('#menu'));
});

test('at 200 % nothing has to be scrolled sideways', async () => {
  const page = await filled({ viewport: { width: 640, height: 430 }, deviceScaleFactor: 2 });
  await fits(page, '.transcript');
  await shot(page, 'zoomed');
});

test('where the system gives the colours everything is still there', async () => {
  const page = await filled({ forcedColors: 'active', viewport: { width: 1280, height: 860 } });
  await accessible(page, 'forced colours');
  await shot(page, 'forced');
});

test('from right to left the page is mirrored and whole', async () => {
  const page = await filled({ viewport: { width: 1100, height: 760 } });
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  await fits(page, '.transcript');
  await eventually(async () => {
    const [aside, main] = await page.evaluate(() => ['.sidebar', '.main'].map((s) => document.querySelector(s).getBoundingClientRect().left));
    assert.ok(aside > main, 'the sidebar is at the right');
  });
  await shot(page, 'rtl');
});

test('each text runs in its own direction, and code from left to right', async () => {
  const page = await filled({ viewport: { width: 1100, height: 760 } });
  await say(page, 'שלום עולם\n\n- ראשון\n\n```\nint main\n```\n\nand English');
  await ended(page, 4);
  const directions = () => page.locator('.turn').last().evaluate((turn) => Object.fromEntries(
    [['question', '.bubble'], ['paragraph', 'p'], ['list', 'ul'], ['code', 'pre'], ['english', '.markdown > :last-child p']].map(
      ([name, selector]) => [name, getComputedStyle(turn.querySelector(selector)).direction])));
  const own = { question: 'rtl', paragraph: 'rtl', list: 'rtl', code: 'ltr', english: 'ltr' };
  assert.deepEqual(await directions(), own);
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  assert.deepEqual(await directions(), own);
  await page.getByRole('textbox', { name: 'Message' }).fill('שלום');
  assert.equal(await page.getByRole('textbox', { name: 'Message' }).evaluate((box) => getComputedStyle(box).direction), 'rtl');
  await shot(page, 'bidi');
});
