// The daemon is killed in the middle of an answer: what is shown in the end is what is stored, whole and
// once, in every tab. Needs NEXFLOW_RESTART: who creates this file has the daemon killed and started
// again, and the file removed.
import assert from 'node:assert/strict';
import { access, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { answers, composer, copied, counts, ended, eventually, longText, online, openWorld, reply, say } from './harness.mjs';

const file = process.env.NEXFLOW_RESTART;
const world = openWorld();

async function restart() {
  await writeFile(file, '');
  for (let i = 0; i < 600; i++) {
    if (!await access(file).then(() => true, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('the daemon was not started again');
}

test('an answer survives the daemon, in every tab', async () => {
  const context = await world.window();
  const page = await world.tab(context);
  await online(page);
  const text = longText(6);
  await world.hold(80);
  await say(page, text);
  await answers(page).first().locator('h3').first().waitFor();
  const second = await world.tab(context, `/${await page.evaluate(() => location.hash)}`);
  await answers(second).first().locator('h3').first().waitFor();
  await composer(second).fill('a draft meanwhile');
  await restart();
  await world.release();
  for (const tab of [page, second]) {
    await online(tab);
    await ended(tab);
    assert.equal(await copied(tab), reply(text));
    await counts(tab.locator('.turn'), 1);
  }
  await eventually(async () => assert.equal(await composer(second).inputValue(), 'a draft meanwhile'));
  const stored = await world.stored(page);
  assert.deepEqual(stored.map((m) => m.role), ['user', 'assistant']);
  assert.equal(stored[1].content, reply(text));
  await page.reload();
  await ended(page);
  assert.equal(await copied(page), reply(text));
});
