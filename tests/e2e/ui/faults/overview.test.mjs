// What the owner is told first, by what the daemon says of itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, online, openWorld, shots } from '../harness.mjs';

const world = openWorld();
const DAY_MS = 86400000;
const NOW = '2026-02-03T08:00:00.000Z';
const ANSWERED = { id: '0000000000001', kind: 'turn', status: 'completed', session_id: '', attempt: 1, created_at: NOW, started_at: NOW, ended_at: NOW };

const daysAgo = (n) => new Date(Date.now() - n * DAY_MS).toISOString();

async function overview(health, tasks = [ANSWERED]) {
  world.mock.skills.sandbox = { level: 'L3', missing: '' };
  world.mock.skills.list = [];
  world.mock.people.reset();
  world.mock.people.pairings = [];
  world.mock.people.bots.pop();
  Object.assign(world.mock, { health, tasks });
  const page = await world.tab(await world.window({ viewport: { width: 1280, height: 860 } }), '/#/overview');
  await online(page);
  await page.getByRole('heading', { name: 'Recent tasks' }).waitFor();
  return page;
}

test('no copy of what there is, or an old one, needs attention', async () => {
  const none = await overview({ backup_at: null });
  const attention = none.getByRole('region', { name: 'Needs your attention' });
  await attention.getByText('No backup was made yet').waitFor();
  await attention.getByText('nexflow backup create').waitFor();
  await accessible(none, 'no backup');
  await shots(none, 'overview-backup');
  const old = await overview({ backup_at: daysAgo(9) });
  await old.getByText('The last backup was made 9 days ago').waitFor();
  for (const health of [{ backup_at: daysAgo(6) }, {}]) { // {}: PostgreSQL has its own tools
    const page = await overview(health);
    await page.getByText('Everything is in order').waitFor();
    assert.equal(await page.getByText('backup', { exact: false }).count(), 0);
  }
});

const TOKEN = { text: 'Telegram refuses the token', code: 'telegram-token', values: [] };
const DEAF_AND_LATE = [
  { text: 'channel telegram hears nothing: Telegram refuses the token', code: 'channel-deaf', values: ['telegram', TOKEN] },
  { text: 'the event loop is 1200 ms late', code: 'loop-late', values: ['1200'] },
];

test('what is broken stands before what waits, and nothing is told twice', async () => {
  const bot = { problem: 'Telegram refuses the token', todo: 'take the token from @BotFather', state: 'refused', deaf: true };
  const page = await overview({ backup_at: null });
  Object.assign(world.mock.people.bots[0], bot);
  world.mock.people.bots.push({ ...world.mock.people.bots[0], name: 'work', problem: '', todo: '', state: 'connected', deaf: false });
  world.mock.reasons = DEAF_AND_LATE;
  await page.reload();
  const told = page.locator('.alarms strong');
  await told.nth(2).waitFor();
  assert.deepEqual(await told.allInnerTexts(), ['Not ready', 'Bot telegram: Telegram refuses the token', 'No backup was made yet']);
  await page.getByText('the event loop is 1200 ms late').waitFor();
  world.mock.reasons = [];
});

test('what is broken is told in Russian by its codes, and what has none in the daemon’s words', async () => {
  const page = await overview({ backup_at: null, database: 'disk I/O error' });
  Object.assign(world.mock.people.bots[0], { problem: TOKEN.text, problem_code: TOKEN.code, problem_values: [], todo: 'of a newer daemon', todo_code: 'do-not-known', todo_values: [], state: 'refused', deaf: true });
  world.mock.reasons = DEAF_AND_LATE;
  world.mock.skills.sandbox = { level: 'L2', missing: 'cgroup: why (fix)', gaps: [{ text: 'cgroup: why (fix)', code: 'sandbox-lack', values: [{ text: 'cgroup', code: 'layer-cgroup' }, 'why', 'fix'] }] };
  const settings = { ...world.mock.people.bots[0] };
  await page.evaluate(() => localStorage.setItem('nexflow.language', 'ru'));
  await page.reload();
  const told = page.locator('.alarms');
  await told.getByText('цикл событий опаздывает на 1200 мс').waitFor();
  await told.getByText(/Telegram не принимает токен/).waitFor();
  await told.getByText(settings.todo).waitFor();
  await told.getByText('память и число процессов (cgroup): why (fix)').waitFor();
  assert.equal(await told.getByText('Telegram refuses').count(), 0);
  await page.evaluate(() => (location.hash = '#/channels'));
  await page.getByText('Telegram не принимает токен — of a newer daemon').waitFor();
  await page.evaluate(() => (location.hash = '#/health'));
  await page.getByText('канал telegram ничего не слышит: Telegram не принимает токен').waitFor();
  await page.getByText('disk I/O error').waitFor();
  world.mock.reasons = [];
});

test('before anything is set up a copy is a step of that, and no alarm', async () => {
  const page = await overview({ backup_at: null }, []);
  const setup = page.getByRole('region', { name: 'Set up Nexflow' });
  const step = setup.getByRole('listitem').filter({ hasText: 'Make a copy of everything' });
  await step.getByText('nexflow backup create').waitFor();
  assert.equal(await page.getByText('No backup was made yet').count(), 0);
  await accessible(page, 'setting up');
  const done = await overview({ backup_at: daysAgo(0) }, []);
  await done.getByRole('listitem').filter({ hasText: 'Make a copy of everything' }).getByText('done').waitFor();
});

test('of a daemon that does not know who asks the page says what that may come from', async () => {
  const page = await overview({ version: undefined, uptime_s: undefined, not_ready: undefined, sandbox: undefined });
  await page.evaluate(() => { location.hash = '#/health'; });
  await page.getByText('cannot tell who you are now').waitFor();
  await page.getByText('nexflow doctor').waitFor();
  assert.equal(await page.getByText('Invalid').count(), 0);
});
