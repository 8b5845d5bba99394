// The owner's skills: what is installed, and what can be done with it.
import { ApiError, call } from '../api';
import type { Said, Value } from '../protocol';
import { inWords, texts } from '../settings';
import { skillLanguages } from './skillsStrings';
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
  rights?: Said[]; // the same, by codes
  min_level?: string;
  tools?: SkillTool[];
  problem?: string; // instead of what its files say
  problem_code?: string;
  problem_values?: Value[];
}

export interface Ran {
  result: string;
  duration_ms: number;
  level: string;
}

const RUN_TIMEOUT_MS = 630000; // the longest deadline of a tool, and some
const LOG_BYTES = 16384;

const at = (name: string, tail = ''): string => `/api/v1/skills/${encodeURIComponent(name)}${tail}`;

// Each of these reads the list anew by `again`, also when it fails: the list may be why.
function changed(work: () => Promise<unknown>, again: () => void): Promise<void> {
  return guarded(() => work().finally(again).then(() => undefined));
}

// Agree to what the files with this hash may do: those that were shown.
export const enable = (skill: Skill, again: () => void): Promise<void> =>
  changed(() => call<Skill>('POST', at(skill.name, '/enable'), { hash: skill.hash }), again);

export const disable = (skill: Skill, again: () => void): Promise<void> => changed(() => call<Skill>('POST', at(skill.name, '/disable'), {}), again);

export const removeSkill = (skill: Skill, data: boolean, again: () => void): Promise<void> =>
  changed(() => call<void>('DELETE', at(skill.name, data ? '?data=remove' : '')), again);

// What the directory of the daemon's machine holds, of which nothing is kept yet.
export const inspect = (path: string): Promise<Skill> => call<Skill>('POST', '/api/v1/skills', { path, inspect: true });

// Install what was shown, and agree to what it may do.
export async function install(path: string, shown: Skill): Promise<void> {
  await call<Skill>('POST', '/api/v1/skills', { path, hash: shown.hash });
  await call<Skill>('POST', at(shown.name, '/enable'), { hash: shown.hash });
}

export async function isInstalled(name: string): Promise<boolean> {
  try {
    await call<Skill>('GET', at(name));
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
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

export const problemOf = (skill: Pick<Skill, 'problem' | 'problem_code' | 'problem_values'>): string =>
  inWords(skill.problem ?? '', skill.problem_code, skill.problem_values);
