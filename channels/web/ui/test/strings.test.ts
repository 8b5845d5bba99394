import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skillLanguages } from '../src/pages/skillsStrings';
import { healthLanguages } from '../src/pages/healthStrings';
import { modelLanguages } from '../src/pages/modelsStrings';
import { settingsLanguages } from '../src/pages/settingsStrings';
import { overviewLanguages, usageLanguages } from '../src/pages/overviewStrings';
import { channelTexts } from '../src/pages/channelsStrings';
import { peopleTexts } from '../src/pages/peopleStrings';
import { scheduleLanguages } from '../src/pages/schedulesStrings';
import { sharedLanguages } from '../src/pages/sharedStrings';
import { taskLanguages } from '../src/pages/tasksStrings';
import { ru } from '../src/ru';
import { en, fill, formOf, localeOf, pickLanguage, type Text } from '../src/strings';

const forms = (text: Text): string[] => (typeof text === 'string' ? [text] : Object.values(text));
const names = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();

// Every map of texts: the page's own and those of its pages.
const MAPS: Record<string, { en: Record<string, Text>; ru: Record<string, Text> }> = {
  page: { en, ru },
  skills: skillLanguages,
  overview: overviewLanguages,
  usage: usageLanguages,
  tasks: taskLanguages,
  health: healthLanguages,
  models: modelLanguages,
  settings: settingsLanguages,
  people: peopleTexts,
  channels: channelTexts,
  schedules: scheduleLanguages,
  shared: sharedLanguages,
};

for (const [map, languages] of Object.entries(MAPS)) {
  test(`translations keep the placeholders of the original (${map})`, () => {
    for (const [key, text] of Object.entries(languages.en)) {
      for (const form of forms(languages.ru[key])) {
        assert.deepEqual(names(form), names(forms(text).at(-1) ?? ''), key);
        assert.notEqual(form, '', key);
      }
    }
  });
}

test('the stored language wins, then the browser, then English', () => {
  assert.equal(pickLanguage('ru', ['en-GB']), 'ru');
  assert.equal(pickLanguage(null, ['fr', 'ru-RU']), 'ru');
  assert.equal(pickLanguage('xx', ['fr']), 'en');
});

test('times are written as where the browser is, if that speaks the language of the page', () => {
  assert.equal(localeOf('en', ['ru-RU', 'en-GB', 'en-US']), 'en-GB');
  assert.equal(localeOf('ru', ['en-GB']), 'ru');
  assert.equal(localeOf('en', []), 'en');
  assert.equal(localeOf('en', ['en-US@posix', 'en-']), 'en');
  assert.equal(localeOf('en', ['en-US@posix', 'en-GB']), 'en-GB');
});

test('values are filled in and missing ones stay visible', () => {
  assert.equal(fill(en.notSent, { reason: 'full' }), 'Not sent: full');
  assert.equal(fill(en.notSent), 'Not sent: {reason}');
});

test('a text with a number has the form of that number in its language', () => {
  const { en: english, ru: russian } = overviewLanguages;
  assert.equal(fill(formOf(english.failedTasks, 'en', 1), { n: '1' }), '1 recent task failed');
  assert.equal(fill(formOf(english.failedTasks, 'en', 2), { n: '2' }), '2 recent tasks failed');
  assert.equal(fill(formOf(russian.failedTasks, 'ru', 21), { n: '21' }), '21 недавняя задача не удалась');
  assert.equal(fill(formOf(russian.failedTasks, 'ru', 3), { n: '3' }), '3 недавние задачи не удались');
  assert.equal(fill(formOf(russian.failedTasks, 'ru', 11), { n: '11' }), '11 недавних задач не удались');
});
