// What the daemon says of skills, with three of them installed.
import { named } from './people.mjs';

const HASH = 'ab'.repeat(32);
const CGROUP = 'cgroup: not delegated to this user (Delegate=yes in the systemd unit, or run as root)';

const tool = (skill, name, description, approval = 'never', properties = {}) => ({
  name, call: `${skill}_${name}`, description, approval, idempotent: approval === 'never', timeout_ms: 5000,
  arguments: { type: 'object', properties, additionalProperties: false } });

const skill = (name, version, status, description, may, tools) => ({
  name, version, description, status, may: may.map((right) => right.text), rights: may, tools, kind: 'plugin', mode: 'pooled', hash: HASH, min_level: '',
  granted: status === 'enabled', installed_at: '2026-02-03T08:00:00Z', updated_at: '2026-02-03T08:00:00Z' });

function installed() {
  return [
    skill('calc', '1.0.0', 'enabled', 'Works out expressions and converts units.', [], [
      tool('calc', 'evaluate', 'Work out an expression.', 'never', { expression: { type: 'string' } }),
      tool('calc', 'convert', 'Convert between units.')]),
    skill('notes', '1.2.0', 'enabled', 'Keeps notes for you and finds them again.', [{ text: 'keeps up to 1024 KiB for each person', code: 'may-keep', values: ['1024'] }], [
      tool('notes', 'save', 'Save a note.'), tool('notes', 'find', 'Find notes.'),
      tool('notes', 'remove', 'Remove notes.', 'ask')]),
    skill('weather', '0.3.0', 'installed', 'The weather, from Open-Meteo.', [
      { text: 'reaches https://api.open-meteo.com/', code: 'may-reach', values: ['https://api.open-meteo.com/'] },
      { text: 'has the secret WEATHER_KEY sent along, without seeing it', code: 'may-secret', values: ['WEATHER_KEY'] }], [
      tool('weather', 'forecast', 'The forecast for a place.', 'always')]),
    { name: 'broken', version: '0.1.0', status: 'disabled', hash: HASH, granted: false,
      installed_at: '2026-02-03T08:00:00Z', updated_at: '2026-02-03T08:00:00Z',
      problem: 'its files were changed since they were installed: install it again' },
  ];
}

export class Skills {
  list = installed();
  runs = [];
  removed = [];
  sandbox = { level: 'L2', missing: CGROUP };

  reset() {
    this.removed = [];
    this.sandbox = { level: 'L2', missing: CGROUP };
    this.list = installed();
  }

  route(method, path, body, reply, query = '') {
    const fail = (status, code, message) => reply(status, { error: { code, message } });
    if (!path) return reply(200, named(this.list, 'skills', new URLSearchParams(query), ['status']));
    const [name, verb, toolName] = path.split('/');
    const skill = this.list.find((s) => s.name === name);
    if (!skill) return fail(404, 'not-found', `there is no skill '${name}'`);
    if (!verb && method === 'DELETE') {
      this.removed.push(`${name} ${query}`);
      this.list = this.list.filter((s) => s !== skill);
      return reply(204);
    }
    if (verb === 'enable') {
      if (body.hash !== skill.hash) return fail(409, 'conflict', 'hash: its files have changed');
      Object.assign(skill, { status: 'enabled', granted: true });
    }
    if (verb === 'disable') skill.status = 'disabled';
    if (verb === 'logs') {
      return reply(200, { log: '2026-02-03T08:00:01Z info asked for 3 places\n' +
        '2026-02-03T08:00:02Z error the worker was killed: socket(2, 1, 0) is not allowed\n' });
    }
    if (verb === 'tools') {
      this.runs.push({ name, toolName, body });
      if (body.expression === '1/0') return fail(400, 'invalid', 'expression: division by zero');
      return reply(200, { result: '{"value": 35}', task_id: '06xszy9fc0001', duration_ms: 2, level: 'L2', worker: 7 });
    }
    return reply(200, skill);
  }
}
