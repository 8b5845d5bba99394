// Ids that this page makes: they sort by age and do not collide.
export function newId(): string {
  const random = crypto.getRandomValues(new Uint8Array(12));
  const tail = [...random].map((byte) => (byte % 36).toString(36)).join('');
  return `${Date.now().toString(36)}-${tail}`;
}
