// People, their accounts in chat networks, and who asks to be let in. Loaded when somebody looks.
import { call } from '../api';
import { texts } from '../settings';
import { guarded, me } from '../store';
import { peopleTexts } from './peopleStrings';

export type Role = 'owner' | 'admin' | 'user';

export interface User {
  id: string;
  name: string;
  role: Role;
  status: 'active' | 'blocked';
}

export interface Account {
  network: string;
  account: string;
}

export interface Request {
  code: string;
  network: string;
  channel: string;
  account: string;
  name: string;
  status: 'open' | 'denied';
  expires_at: string;
}

export interface Way {
  channel: string;
  network: string;
  bot_name: string;
  url: string | null;
  brings_code: boolean;
  qr_svg: string | null;
}

export interface Invite {
  code: string;
  expires_at: string;
  ways: Way[];
}

export const isManager = (): boolean => me.value?.role === 'owner' || me.value?.role === 'admin';

export const idOf = (user: User): string => user.id;

const at = (user: User, tail = ''): string => `/api/v1/users/${encodeURIComponent(user.id)}${tail}`;

const CHOICES = 20; // people to choose from at once

// Some people, and whether there are others.
export interface Few {
  people: User[];
  more: boolean;
}

export async function fewPeople(): Promise<Few> {
  const { users, next_cursor } = await call<{ users: User[]; next_cursor: string | null }>('GET', `/api/v1/users?limit=${CHOICES}`);
  return { people: users, more: next_cursor !== null };
}

export const findPeople = async (name: string): Promise<User[]> =>
  (await call<{ users: User[] }>('GET', `/api/v1/users?${new URLSearchParams({ q: name, limit: String(CHOICES) })}`)).users;

// `again` reads the lists that it changes.
export function decide(request: Request, body: { decision: 'approve' | 'deny'; user?: string }, again: () => void): Promise<void> {
  return guarded(async () => {
    try {
      await call<unknown>('POST', `/api/v1/pairings/${encodeURIComponent(request.code)}`, body);
    } finally {
      again();
    }
  });
}

export const add = (name: string, role: Role): Promise<void> => guarded(async () => {
  await call<User>('POST', '/api/v1/users', { name, role });
});

export const change = (user: User, what: Partial<User>): Promise<void> => guarded(async () => {
  await call<User>('PATCH', at(user), what);
});

export const accountsOf = async (user: User): Promise<Account[]> =>
  (await call<{ identities: Account[] }>('GET', at(user, '/identities'))).identities.filter((a) => a.network !== 'local');

export const unlink = (user: User, account: Account): Promise<void> => call<void>(
  'DELETE', at(user, `/identities/${encodeURIComponent(account.network)}/${encodeURIComponent(account.account)}`));

export const invite = (user: User): Promise<Invite> => call<Invite>('POST', at(user, '/invites'), {});

export const signInLink = async (user: User): Promise<string> =>
  (await call<{ url: string }>('POST', at(user, '/links'), {})).url;

export const tp = texts(peopleTexts);
