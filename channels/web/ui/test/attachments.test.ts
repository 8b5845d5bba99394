import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitMarks } from '../src/attachments';

test('what stands for files is taken out of a question', () => {
  assert.deepEqual(splitMarks('look\n\n[file cat.png: a picture]\n\n[file n.txt]\n~~~~~~\nline\n~~~~~~'),
    { text: 'look', marks: [{ name: 'cat.png', what: 'a picture' }, { name: 'n.txt', what: '' }] });
  assert.deepEqual(splitMarks('[file a.pdf: a document]'), { text: '', marks: [{ name: 'a.pdf', what: 'a document' }] });
  assert.deepEqual(splitMarks('no [file here] at all'), { text: 'no [file here] at all', marks: [] });
});
