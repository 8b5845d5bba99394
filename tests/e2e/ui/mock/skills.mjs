// What the daemon says of skills, with three of them installed.
const HASH = 'ab'.repeat(32);

const tool = (name, description, approval = 'never', properties = {}) => ({
  name, description, approval, idempotent: approval === 'never', timeout_ms: 5000,
  schema: { type: 'object', properties, additionalProperties: false } });

const limits = { memory_bytes: 64 << 20, cpu_ms: 10000, output_bytes: 256 << 10, http_bytes: 2 << 20, kv_bytes: 1 << 20 };

function installed() {
  return [
    { name: 'calc', version: '1.0.0', description: 'Works out expressions and converts units.', kind: 'plugin',
      mode: 'pooled', status: 'enabled', granted: true, hash: HASH, limits,
      capabilities: { http: [], secrets: [], kv: false, files: false },
      tools: [tool('evaluate', 'Work out an expression.', 'never', { expression: { type: 'string' } }),
              tool('convert', 'Convert between units.')] },
    { name: 'notes', version: '1.2.0', description: 'Keeps notes for you and finds them again.', kind: 'plugin',
      mode: 'oneshot', status: 'enabled', granted: true, hash: HASH, limits,
      capabilities: { http: [], secrets: [], kv: true, files: false },
      tools: [tool('save', 'Save a note.'), tool('find', 'Find notes.'), tool('remove', 'Remove notes.', 'ask')] },
    { name: 'weather', version: '0.3.0', description: 'The weather, from Open-Meteo.', kind: 'plugin', mode: 'pooled',
      status: 'installed', granted: false, hash: HASH, limits,
      capabilities: { http: ['https://api.open-meteo.com/', 'https://geocoding-api.open-meteo.com/'],
                      secrets: ['WEATHER_KEY'], kv: false, files: true },
      tools: [tool('forecast', 'The forecast for a place.', 'always')] },
  ];
}

export class Skills {
  list = installed();
  runs = [];
  sandbox = { level: 'L2', missing: ['cgroups: not delegated to this user'] };

  reset() {
    this.list = installed();
  }

  route(method, path, body, reply) {
    const fail = (status, code, message) => reply(status, { error: { code, message } });
    if (!path) return reply(200, { skills: this.list });
    const [name, verb, toolName] = path.split('/');
    const skill = this.list.find((s) => s.name === name);
    if (!skill) return fail(404, 'not-found', `there is no skill '${name}'`);
    if (!verb && method === 'DELETE') {
      this.list = this.list.filter((s) => s !== skill);
      return reply(204);
    }
    if (verb === 'enable') {
      if (body.hash !== skill.hash) return fail(409, 'conflict', 'hash: its files have changed');
      Object.assign(skill, { status: 'enabled', granted: true });
    }
    if (verb === 'disable') skill.status = 'disabled';
    if (verb === 'logs') {
      return reply(200, { lines: [
        { at: '2026-02-03T08:00:01Z', level: 'info', text: 'asked for 3 places' },
        { at: '2026-02-03T08:00:02Z', level: 'error', text: 'the worker was killed: socket(2, 1, 0) is not allowed' }] });
    }
    if (verb === 'tools') {
      this.runs.push({ name, toolName, body });
      if (body.arguments?.expression === '1/0') return fail(400, 'invalid', 'expression: division by zero');
      return reply(200, { result: '{"value": 35}', duration_ms: 2, level: 'L2', worker: 7 });
    }
    return reply(200, skill);
  }
}
