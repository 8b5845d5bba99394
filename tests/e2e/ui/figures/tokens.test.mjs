// Bars 1 and 5, on this machine and on one that is slower by as much: first token, and 60 KB streamed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ended, longText, online, openWorld, say, sayElsewhere } from '../harness.mjs';
import { frames, slowDown, tell, tokens, watchFrames, watchTokens } from '../measuring.mjs';

const world = openWorld();
const ROUNDS = 40;
const BARS = { 1: { frame: 100, send: 250 }, 4: { frame: 250, send: 750 } }; // ms, 95 of 100

for (const rate of [1, 4]) {
  test(`the first token is painted at once (${rate} times slower)`, async () => {
    const context = await world.window();
    await watchTokens(context);
    const page = await world.tab(context);
    await online(page);
    await slowDown(page, rate);
    for (let i = 1; i <= ROUNDS; i++) {
      await say(page, `at once ${i}`);
      await page.locator('.turn[data-state="done"] .bubble', { hasText: `at once ${i}` }).waitFor();
    }
    const { frame, send } = await tokens(page, ROUNDS);
    await tell(`first token, ${rate} times slower`, { from_frame: frame, from_send: send });
    assert.ok(frame.p95_ms <= BARS[rate].frame, `${frame.p95_ms} ms from the frame`);
    assert.ok(send.p95_ms <= BARS[rate].send, `${send.p95_ms} ms from the key`);
  });

  test(`a long answer streams (${rate} times slower)`, async () => {
    const page = await world.tab(await world.window());
    await online(page);
    await say(page, 'first');
    await ended(page);
    await slowDown(page, rate);
    await watchFrames(page);
    await sayElsewhere(page, longText(60));
    await page.locator('.turn[data-state="done"]').nth(1).waitFor({ timeout: 240000, state: 'attached' });
    await tell(`60 KB answer, ${rate} times slower`, await frames(page));
  });
}
