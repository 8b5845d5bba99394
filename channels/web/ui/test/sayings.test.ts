// What the daemon says, by its tables in internal/domain, held to what the page and the chats say of it in
// Russian, to the documentation, and to the places that say it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inWords, learn, loadLanguage, refused, say } from '../src/languages';
import { russianSayings } from '../src/pages/russianSayings';
import { russianReasons } from '../src/ru';

const TREE = process.env.NF_TREE ?? '.';
const read = (file: string): string => readFileSync(join(TREE, file), 'utf8');
const STRINGS = /(?:"(?:[^"\\]|\\.)*"\s*)+/g;
const joined = (literals: string): string => [...literals.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text.replaceAll('\\"', '"')).join('');

interface Row { code: string; format: string; chats: string | null; file: string; literal: boolean }

// The rows of one table's file, with the formats that its header names.
function rowsOf(file: string): Row[] {
  const source = read(join('internal/domain', file));
  let header = '';
  try {
    header = read(join('internal/domain', file.replace(/\.c$/, '.h')));
  } catch {
    // Its formats stand in the rows.
  }
  const named = new Map<string, string>();
  for (const [, name, text] of header.replaceAll('\\\n', ' ').matchAll(/#define (NF_\w+) +((?:(?:"(?:[^"\\]|\\.)*"|NF_\w+)\s*?)+)/g)) {
    named.set(name, joined(text.replace(/NF_\w+/g, (other) => `"${named.get(other) ?? ''}"`)));
  }
  const row = /\{ "([a-z0-9-]+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+|NF_\w+),\s*\.russian =\s*((?:"(?:[^"\\]|\\.)*"\s*)+|NULL)/g;
  return [...source.matchAll(row)].map(([, code, format, russian]) => ({
    code, file, literal: format.startsWith('"'),
    format: format.startsWith('"') ? joined(format) : named.get(format) ?? assert.fail(`${format} is not defined in the header of ${file}`),
    chats: russian.startsWith('NULL') ? null : joined(russian),
  }));
}

const files = readdirSync(join(TREE, 'internal/domain')).filter((name) => /^said_\w+\.c$/.test(name) || name === 'reason.c');
const rows = files.flatMap(rowsOf);
const russian: Record<string, string> = { ...russianReasons, ...russianSayings };
// Conversions side by side are one value.
const valuesOf = (format: string): number => (format.match(/(?:%[.\dlz]*[sdu])+/g) ?? []).length;

test('the tables are read as they stand', () => {
  const counted = files.reduce((n, file) => n + (read(join('internal/domain', file)).match(/\.russian =/g) ?? []).length, 0);
  assert.equal(rows.length, counted);
  assert.ok(rows.length > 200);
  assert.equal(valuesOf(rows.find((row) => row.code === 'model-down')?.format ?? ''), 2);
});

test('everything that has a code is said in Russian, with values that it has', () => {
  assert.deepEqual(Object.keys(russian).sort(), rows.map((row) => row.code).sort());
  assert.equal(Object.keys(russianReasons).length + Object.keys(russianSayings).length, rows.length);
  for (const { code, format } of rows) {
    for (const [, n] of russian[code].matchAll(/\{(\d)\}/g)) assert.ok(Number(n) < valuesOf(format), `${code}: {${n}}`);
  }
});

test('what has a code is in Russian where it has words', () => {
  for (const [code, text] of Object.entries(russian)) {
    if (/[a-z]{3} [a-z]{3}/.test(text.replace(/sysctl [^ ]+ [^ ]+|--security-opt|\{\d\}/g, ''))) assert.match(text, /[а-яё]{3}/i, code);
  }
});

test('chats say it in the same Russian', () => {
  const told = rows.filter((row) => row.chats !== null && row.file !== 'said_refusals.c');
  assert.ok(told.length > 80);
  for (const { code, chats } of rows) if (chats !== null) assert.equal(chats, russian[code] ?? '', code);
  for (const file of ['reason.c', 'said_bots.c', 'said_schedules.c']) {
    assert.deepEqual(rows.filter((row) => row.file === file && row.chats === null), [], file);
  }
});

test('every code of a turn is in the documentation', () => {
  const api = read('docs/api.md');
  for (const { code } of rows) if (code.includes('-')) assert.ok(api.includes(`\`${code}\``), `docs/api.md: ${code}`);
  const listed = /ReasonCode:\n.*\n\s+enum: \[([^\]]*)\]/.exec(read('docs/openapi.yaml'))?.[1].split(/,\s*/);
  assert.deepEqual(listed, rows.filter((row) => row.file === 'reason.c').map((row) => row.code));
});

// All texts of the daemon's sources, but the tables.
function everyText(): Set<string> {
  const found = new Set<string>();
  const look = (folder: string): void => {
    for (const entry of readdirSync(join(TREE, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !/^(ui|node_modules)$/.test(entry.name)) look(path);
      if (!entry.isFile() || !/\.[ch]$/.test(entry.name) || /domain\/said_\w+\.c$/.test(path)) continue;
      for (const [literals] of read(path).replaceAll('NF_MANIFEST_FILE', '"skill.json"').replace(/'\\?"'/g, '').matchAll(STRINGS)) found.add(joined(literals));
    }
  };
  ['internal', 'channels', 'skills', 'cmd', 'llm'].forEach(look);
  return found;
}

test('every text that a table knows by heart is really said somewhere', () => {
  // The kernel says the rest of these (strerror(3)), and a line is put together of its parts.
  const others = /^(lack-(not-permitted|no-access|not-built-in|unsupported|no-such-argument|busy)|sandbox-lack|bot-and-more|no-directory)$/;
  const said = everyText();
  const known = rows.filter((row) => row.literal && !others.test(row.code));
  assert.ok(known.length > 120);
  for (const { code, format } of known) assert.ok(said.has(format), `${code}: nobody says "${format}"`);
});

test('a text is said by its code, with values that are said by theirs; without one in its own words', async () => {
  const deaf = { text: 'channel tg hears nothing: Telegram refuses the token', code: 'channel-deaf', values: ['tg', { text: 'Telegram refuses the token', code: 'telegram-token' }] };
  const refusal = { message: 'name: there is a channel \'a\' already', reason: 'bot-name-taken', values: ['a'], where: 'name' };
  assert.equal(say(deaf), deaf.text);
  assert.equal(refused(refusal), refusal.message);
  learn(russianSayings);
  await loadLanguage('ru');
  assert.equal(say(deaf), 'канал tg ничего не слышит: Telegram не принимает токен');
  assert.equal(refused(refusal), 'name: Канал «a» уже есть: дайте этому боту другое имя');
  assert.equal(inWords('of a newer daemon', 'not-known-yet', ['1']), 'of a newer daemon');
  assert.equal(refused({ message: 'a: b', reason: 'not-known-yet', where: 'a' }), 'a: b');
  assert.equal(inWords('without a code'), 'without a code');
  await loadLanguage('en');
  assert.equal(say(deaf), deaf.text);
});
