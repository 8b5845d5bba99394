// NEXFLOW_MINUTES (10) of conversation in one window: what it keeps must not grow with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longText, online, openWorld, say } from '../harness.mjs';
import { tell } from '../measuring.mjs';

const world = openWorld();
const MINUTES = Number(process.env.NEXFLOW_MINUTES ?? 10);
const HEAP_MAX = 150 * 2 ** 20;
const NODES_MAX = 5000;
const OF_A_CHAT = 25; // questions

test('a window that is used for long stays small', { timeout: MINUTES * 90000 + 60000 }, async () => {
  const context = await world.window();
  const page = await world.tab(context);
  await online(page);
  const line = await context.newCDPSession(page);
  const heap = async () => {
    await line.send('HeapProfiler.collectGarbage');
    return (await line.send('Runtime.getHeapUsage')).usedSize;
  };
  const end = Date.now() + MINUTES * 60000;
  let turns = 0;
  let first = 0;
  while (Date.now() < end) {
    await say(page, `${turns}: ${longText(turns % 10 ? 0.3 : 4)}`);
    await page.locator('.turn').nth(turns % OF_A_CHAT).and(page.locator('[data-state="done"]')).waitFor({ state: 'attached' });
    turns++;
    if (turns % OF_A_CHAT === 0) await page.getByRole('button', { name: 'New chat' }).click();
    if (turns === OF_A_CHAT) first = await heap();
  }
  const [bytes, nodes] = [await heap(), await page.evaluate(() => document.querySelectorAll('*').length)];
  await tell('soak', { minutes: MINUTES, turns, first_mib: Math.round(first / 2 ** 20), heap_mib: Math.round(bytes / 2 ** 20), nodes });
  assert.ok(bytes < HEAP_MAX, `${bytes} bytes`);
  assert.ok(nodes <= NODES_MAX, `${nodes} elements`);
});
