import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skillLanguages } from '../src/skillStrings';
import { languages, pickLanguage, translate } from '../src/strings';

test('translations keep the placeholders of the original', () => {
  const names = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
  for (const [key, text] of Object.entries(languages.en)) {
    const other = languages.ru[key as keyof typeof languages.en];
    assert.deepEqual(names(other), names(text), key);
    assert.notEqual(other, '', key);
  }
});

test('the page of skills has the same placeholders too', () => {
  const names = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
  for (const [key, text] of Object.entries(skillLanguages.en)) {
    assert.deepEqual(names(skillLanguages.ru[key as keyof typeof skillLanguages.en]), names(text), key);
  }
});

test('the stored language wins, then the browser, then English', () => {
  assert.equal(pickLanguage('ru', ['en-GB']), 'ru');
  assert.equal(pickLanguage(null, ['fr', 'ru-RU']), 'ru');
  assert.equal(pickLanguage('xx', ['fr']), 'en');
});

test('values are filled in and missing ones stay visible', () => {
  assert.equal(translate('en', 'notSent', { reason: 'full' }), 'Not sent: full');
  assert.equal(translate('en', 'notSent'), 'Not sent: {reason}');
});
