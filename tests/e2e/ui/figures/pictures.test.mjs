// What README shows, into $NEXFLOW_SHOTS: a conversation with everything in it, in both schemes and on a
// phone, and pages of the owner. Against a daemon whose models are those of tests/e2e/page_test.py.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ended, online, openWorld, say, sayElsewhere, shot } from '../harness.mjs';

const world = openWorld();
const DESK = { viewport: { width: 1280, height: 860 } };
const PHONE = { viewport: { width: 360, height: 760 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const ASKED = 'Plan three days in Lisbon for two, with a budget, please';
const BEFORE = ['What does HTTP 429 mean?', 'Summarise the minutes of Monday', 'Convert 250 g of butter to cups', 'Why is the sky blue?'];

test('pictures', async () => {
  assert.ok(process.env.NEXFLOW_SHOTS, 'NEXFLOW_SHOTS: where to?');
  const page = await world.tab(await world.window(DESK));
  await online(page);
  for (const text of BEFORE) {
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.getByRole('combobox', { name: 'Model of this conversation' }).selectOption('local/gemma3-4b');
    await say(page, text);
    await ended(page);
  }
  await page.getByRole('button', { name: `Pin: ${BEFORE[1]}` }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'New chat' }).click();
  await say(page, ASKED);
  await ended(page);
  const here = `/${await page.evaluate(() => location.hash)}`;
  const chat = async (options, name) => {
    const one = await world.tab(await world.window(options), here);
    await one.locator('.answer-foot').last().waitFor();
    await one.locator('.hljs-keyword').first().waitFor();
    await one.evaluate(() => document.activeElement?.blur());
    await one.locator('.transcript').evaluate((box) => (box.scrollTop = box.clientWidth > 500 ? 0 : 260));
    await one.waitForTimeout(500); // what fades has gone
    await shot(one, name);
  };
  await chat({ ...DESK, colorScheme: 'light', reducedMotion: 'reduce' }, 'chat');
  await chat({ ...DESK, colorScheme: 'dark', reducedMotion: 'reduce' }, 'chat-dark');
  await chat({ ...PHONE, colorScheme: 'light', reducedMotion: 'reduce' }, 'phone');

  const run = await page.locator('.turn').last().getAttribute('data-run');
  const owner = await world.tab(await world.window({ ...DESK, reducedMotion: 'reduce' }));
  await online(owner);
  for (const [hash, colorScheme, name] of [['#/overview', 'light', 'overview'], [`#/tasks/${run}`, 'dark', 'task'], ['#/models', 'light', 'models'], ['#/skills', 'dark', 'skills']]) {
    await owner.emulateMedia({ colorScheme });
    await owner.evaluate((to) => (location.hash = to), hash);
    await owner.locator('.page-column > :not(.loading)').first().waitFor();
    await owner.waitForTimeout(800);
    await shot(owner, name);
  }
  await sayElsewhere(page, 'thanks');
});
