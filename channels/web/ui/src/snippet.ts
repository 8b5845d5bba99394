// What was found, as a line to read: Markdown's marks are left out where they come in pairs or make a
// table. What stands alone, such as the stars of 2**3, is part of the text.
export function unmarked(text: string): string {
  const rule = /\|(?:\s*:?-{2,}:?\s*\|)+/g; // the line below a table's head
  const table = rule.test(text) || (text.match(/\s\|\s/g)?.length ?? 0) > 2;
  const plain = text.replace(rule, ' ').replace(/\*\*(?=\S)([^*]+?)\*\*/g, '$1').replace(/`([^`]+)`/g, '$1');
  return (table ? plain.replace(/(?:\s*\|\s*)+/g, ' · ') : plain).replace(/\s+/g, ' ').replace(/^ ?· | ·? ?$/g, '');
}
