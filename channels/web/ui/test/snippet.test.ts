import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unmarked } from '../src/snippet';

test('what was found reads as a line of text, with what is marked in it', () => {
  assert.equal(unmarked('Here is **\u0002three\u0003 days**. | Day | Morning | |---|:--:| | 1 | the `castle`…'),
    'Here is \u0002three\u0003 days. · Day · Morning · 1 · the castle…');
  assert.equal(unmarked('| a | b | |---|---| | 1 | \u00022\u0003 |'), 'a · b · 1 · \u00022\u0003');
});

test('what is no mark stays', () => {
  for (const text of ['2**3 is 8', 'cat a | \u0002grep\u0003 b', 'a ` alone', 'x || y', '**open', '- item *one*']) {
    assert.equal(unmarked(text), text);
  }
});
