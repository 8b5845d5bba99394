// The owner's skills: what is installed, and what can be done with it. Loaded when somebody looks.
import { signal } from '@preact/signals';
import { ApiError, call } from '../api';
import { language, texts } from '../settings';
import { russianRights, skillLanguages } from './skillsStrings';
import { guarded } from '../store';

export interface SkillTool {
  name: string;
  call: string; // as models see it
  description: string;
  arguments: { properties?: Record<string, { type?: string; description?: string }>; required?: string[] };
  approval: 'never' | 'ask' | 'always';
  in_force?: 'never' | 'ask' | 'always'; // what the configuration says instead
  timeout_ms: number;
}

export interface Skill {
  name: string;
  version: string;
  status: 'installed' | 'enabled' | 'disabled';
  hash: string;
  granted: boolean;
  description?: string;
  kind?: 'plugin' | 'program';
  mode?: 'pooled' | 'oneshot';
  may?: string[];
  min_level?: string;
  tools?: SkillTool[];
  problem?: string; // instead of what its files say
}

export interface Ran {
  result: string;
  duration_ms: number;
  level: string;
}

export const skills = signal<Skill[] | null>(null);
export const sandbox = signal<{ level: string; missing: string } | null>(null);

const RUN_TIMEOUT_MS = 630000; // the longest deadline of a tool, and some
const LOG_BYTES = 16384;

const at = (name: string, tail = ''): string => `/api/v1/skills/${encodeURIComponent(name)}${tail}`;

export function loadSkills(): Promise<void> {
  return guarded(async () => {
    const health = await call<{ sandbox?: { level: string; missing: string } }>('GET', '/health');
    sandbox.value = health.sandbox ?? null;
    skills.value = (await call<{ skills: Skill[] }>('GET', '/api/v1/skills')).skills;
  });
}

function replace(skill: Skill): void {
  skills.value = skills.value?.map((s) => (s.name === skill.name ? skill : s)) ?? null;
}

// Agree to what the files with this hash may do: those that were shown.
export function enable(skill: Skill): Promise<void> {
  return guarded(async () => {
    try {
      replace(await call<Skill>('POST', at(skill.name, '/enable'), { hash: skill.hash }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) await loadSkills();
      throw error;
    }
  });
}

// What the directory of the daemon's machine holds, of which nothing is kept yet.
export const inspect = (path: string): Promise<Skill> => call<Skill>('POST', '/api/v1/skills', { path, inspect: true });

// Install what was shown, and agree to what it may do.
export async function install(path: string, shown: Skill): Promise<void> {
  await call<Skill>('POST', '/api/v1/skills', { path, hash: shown.hash });
  try {
    await call<Skill>('POST', at(shown.name, '/enable'), { hash: shown.hash });
  } finally {
    await loadSkills();
  }
}

export function disable(skill: Skill): Promise<void> {
  return guarded(async () => replace(await call<Skill>('POST', at(skill.name, '/disable'), {})));
}

export function removeSkill(skill: Skill, data: boolean): Promise<void> {
  return guarded(async () => {
    await call<void>('DELETE', at(skill.name, data ? '?data=remove' : ''));
    skills.value = skills.value?.filter((s) => s.name !== skill.name) ?? null;
  });
}

export const runTool = (skill: Skill, tool: string, args: unknown): Promise<Ran> =>
  call<Ran>('POST', at(skill.name, `/tools/${encodeURIComponent(tool)}/run`), args, RUN_TIMEOUT_MS);

export const logOf = async (skill: Skill): Promise<string> =>
  (await call<{ log: string }>('GET', at(skill.name, `/logs?bytes=${LOG_BYTES}`))).log;

// Arguments to begin with: what the schema requires, empty.
export function example(tool: SkillTool): string {
  const empty: Record<string, unknown> = { string: '', number: 0, integer: 0, boolean: false, array: [], object: {} };
  const properties = tool.arguments.properties ?? {};
  const names = tool.arguments.required ?? Object.keys(properties).slice(0, 1);
  return JSON.stringify(Object.fromEntries(names.map((n) => [n, empty[properties[n]?.type ?? 'string'] ?? null])), null, 2);
}

export const ts = texts(skillLanguages);

export function inWords(line: string): string {
  const known = language.value === 'ru' && russianRights.find(([pattern]) => pattern.test(line));
  return known ? line.replace(...known) : line;
}
