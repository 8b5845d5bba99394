// Files on their way with a message: read, kept until the daemon has them, and sent with progress.
import { signal } from '@preact/signals';
import { ApiError } from './api';
import { idb } from './idb';
import type { Accepted, Attached } from './protocol';

export const FILES_MAX = 10; // of one message, and their bytes together: docs/api.md
export const BYTES_MAX = 6 * 1024 * 1024;
const SHRINK_FROM = 1024 * 1024; // pictures with more bytes are made smaller
const SHRINK_TO_PX = 2048; // models look at no more
const NAME_MAX = 60;

// How much of a message is sent, 0 to 1, by its id.
export const progress = signal<ReadonlyMap<string, number>>(new Map());
const requests = new Map<string, XMLHttpRequest>();

function note(id: string, part: number | null): void {
  const next = new Map(progress.value);
  if (part === null) next.delete(id);
  else next.set(id, part);
  progress.value = next;
}

/* ---- reading ---- */

function showsThrough(draw: CanvasRenderingContext2D, { width, height }: HTMLCanvasElement): boolean {
  const { data } = draw.getImageData(0, 0, width, height);
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return true;
  return false;
}

async function smaller(file: File): Promise<Blob> {
  if (file.size < SHRINK_FROM || !/^image\/(png|jpeg|webp)$/.test(file.type)) return file;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SHRINK_TO_PX / Math.max(picture.width, picture.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    const draw = canvas.getContext('2d');
    draw?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    // JPEG has no transparency: what shows through would be black.
    const type = file.type !== 'image/jpeg' && draw && showsThrough(draw, canvas) ? 'image/png' : 'image/jpeg';
    const made = await new Promise<Blob | null>((done) => canvas.toBlob(done, type, 0.85));
    return made && made.size < file.size ? made : file;
  } catch {
    return file; // no picture that this browser reads
  }
}

function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => reject(reader.error ?? new Error('unreadable'));
    reader.readAsDataURL(blob);
  });
}

async function readFile(file: File): Promise<Attached> {
  const blob = await smaller(file);
  const name = (file.name || 'file').slice(-NAME_MAX);
  return { name, media_type: blob.type || file.type, bytes: blob.size, data: await base64(blob) };
}

/* ---- waiting for a message ---- */

// Files that go with the next message of a chat, by the chat they were attached in.
const waiting = signal<ReadonlyMap<string, Attached[]>>(new Map());
const became = new Map<string, string>(); // what a new chat is called since it has a session

const nameOf = (chat: string): string => became.get(chat) ?? chat;

export const waitingIn = (chat: string): Attached[] => waiting.value.get(nameOf(chat)) ?? [];

export function setWaiting(chat: string, files: Attached[]): void {
  const next = new Map(waiting.value);
  if (files.length) next.set(nameOf(chat), files);
  else next.delete(nameOf(chat));
  waiting.value = next;
}

let generation = 0; // one more each time that everything was dropped

// 'gone': whoever attached it has signed out while it was read, and it is not for who comes next.
export async function addFile(chat: string, file: File): Promise<'added' | 'tooBig' | 'unreadable' | 'gone'> {
  const then = generation;
  const read = await readFile(file).catch(() => null);
  if (then !== generation) return 'gone';
  if (!read) return 'unreadable';
  const all = [...waitingIn(chat), read];
  if (all.reduce((sum, f) => sum + f.bytes, 0) > BYTES_MAX) return 'tooBig';
  setWaiting(chat, all);
  return 'added';
}

export function becameSession(chat: string, id: string): void {
  const files = waitingIn(chat);
  setWaiting(chat, []);
  became.set(chat, id);
  if (files.length) setWaiting(id, [...waitingIn(id), ...files]);
}

/* ---- keeping ---- */

// In a database of the browser's, which takes megabytes; where there is none, as long as the page lives.
const memory = new Map<string, Attached[]>();

export async function keep(id: string, files: Attached[]): Promise<void> {
  memory.set(id, files);
  await idb.put('files', id, files);
}

export const kept = async (id: string): Promise<Attached[] | undefined> =>
  memory.get(id) ?? await idb.get<Attached[]>('files', id);

export async function drop(id: string): Promise<void> {
  memory.delete(id);
  await idb.drop('files', id);
}

export async function dropAll(): Promise<void> {
  generation++;
  memory.clear();
  became.clear();
  waiting.value = new Map();
  await idb.clear('files');
}

/* ---- sending ---- */

export class Cancelled extends Error {}

// Sending it twice does no harm: the message's id says that it is the same.
export function upload(id: string, body: object): Promise<Accepted> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const end = (): void => {
      requests.delete(id);
      note(id, null);
    };
    requests.set(id, request);
    note(id, 0);
    request.open('POST', '/api/v1/messages');
    request.setRequestHeader('Content-Type', 'application/json');
    request.upload.onprogress = (event) => note(id, event.lengthComputable ? event.loaded / event.total : 0);
    request.onabort = () => (end(), reject(new Cancelled()));
    request.onerror = () => (end(), reject(new TypeError('network')));
    request.onload = () => {
      end();
      let answer: unknown;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // Not ours: the status says enough.
      }
      if (request.status === 202) resolve(answer as Accepted);
      else reject(new ApiError(request.status, answer));
    };
    request.send(JSON.stringify(body));
  });
}

export function cancelUpload(id: string): void {
  requests.get(id)?.abort();
}

export const isUploading = (id: string): boolean => requests.has(id);

/* ---- showing ---- */

export interface Mark {
  name: string;
  what: string; // "a picture", "a document", or why it could not be read
}

// The lines that stand for files in a question: "[file NAME: a picture]".
export function splitMarks(content: string): { text: string; marks: Mark[] } {
  const marks: Mark[] = [];
  const text = content.replace(/(?:^|\n\n)\[file ([^\]\n]+?)(?:: ([^\]\n]*))?\](?:\n~~~~~~\n[^]*?\n~~~~~~(?=\n\n\[file |$))?/g,
    (_, name: string, what: string | undefined) => {
      marks.push({ name, what: what ?? '' });
      return '';
    });
  return { text: text.trim(), marks };
}
