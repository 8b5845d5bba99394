// What the daemon says of people, of who asks to be let in, and of bots.
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 33 33" shape-rendering="crispEdges">' +
  '<path fill="#fff" d="M0 0h33v33H0z"/><path fill="#000" d="M4 4h7v1h-7z"/></svg>';
const NOW = '2026-02-03T08:00:00.000Z';

// A page of rows that have names.
export function named(rows, key, query, fields) {
  const found = rows.filter((row) => row.name.includes(query.get('q') ?? '')
    && fields.every((field) => [null, row[field]].includes(query.get(field))));
  const from = found.findIndex((row) => row.name === query.get('cursor')) + 1;
  const page = found.slice(from, from + Number(query.get('limit') ?? found.length));
  return { [key]: page, next_cursor: from + page.length < found.length ? page.at(-1).name : null };
}

const bot = (name, network, more) => ({
  name, network, state: 'connected', deaf: false, bot_name: `@${name}_bot`, link: `https://t.me/${name}_bot`,
  alive_at: NOW, event_at: null, code: 0, queue: 0, problem: '', todo: '', ...more });

export class People {
  constructor(id) {
    this.id = id;
    this.reset();
  }

  reset() {
    const id = this.id;
    this.decisions = [];
    this.tests = [];
    this.added = [];
    this.others = 0; // more instances, each with bots of its own
    this.users = [
      { id: id(1), name: 'Owner', role: 'owner', status: 'active', created_at: NOW },
      { id: id(2), name: 'Anna', role: 'user', status: 'active', created_at: NOW },
      { id: id(3), name: 'Boris', role: 'admin', status: 'blocked', created_at: NOW },
    ];
    this.accounts = new Map([[id(2), [{ network: 'telegram', account: '4711', created_at: NOW }]]]);
    this.pairings = [
      { code: 'ABCD-2345', network: 'telegram', channel: 'telegram', account: '815', name: 'Vera <b>bold</b>',
        status: 'open', created_at: NOW, expires_at: NOW },
      { code: 'EFGH-6789', network: 'discord', channel: 'discord', account: '816', name: 'Somebody', status: 'denied',
        created_at: NOW, expires_at: NOW },
    ];
    this.bots = [
      bot('telegram', 'telegram', { queue: 3, event_at: NOW }),
      bot('discord', 'discord', { state: 'refused', deaf: true, code: 4004, link: '', problem: 'the token is refused',
        todo: 'put the right token into the configuration' }),
    ];
  }

  // False: it is none of ours.
  route(method, path, body, reply, role, query = new URLSearchParams()) {
    const fail = (status, message) => reply(status, { error: { code: 'invalid', message } });
    if (path === 'status') {
      const instances = Array.from({ length: this.others + 1 }, (_, i) => ({ number: i + 1, state: 'here' }));
      return reply(200, { instance: 1, instances: [...instances, { number: 9, state: 'gone' }] });
    }
    if (path === 'channels' && method === 'POST') return this.addBot(body, reply, fail);
    if (path === 'channels') return reply(200, named(this.bots, 'channels', query, ['state', 'network']));
    if (path.startsWith('channels/')) return this.channel(method, path.split('/'), body, reply, fail);
    const has = (row) => ['role', 'status'].every((name) => [null, row[name]].includes(query.get(name)))
      && row.name.toLowerCase().includes((query.get('q') ?? '').toLowerCase());
    if (path === 'pairings') return reply(200, { pairings: this.pairings.filter(has), next_cursor: null });
    if (path.startsWith('pairings/')) return this.decide(path.slice(9), body, reply, fail);
    if (path === 'users' && method === 'GET') return reply(200, this.some(this.users.filter(has), query));
    if (path === 'users') {
      const user = { id: this.id(10 + this.users.length), status: 'active', created_at: NOW, ...body };
      this.users.push(user);
      return reply(201, user);
    }
    if (path === 'users/me') return reply(200, { ...this.users[0], role });
    if (path.startsWith('users/')) return this.user(method, path.split('/').slice(1), body, reply, fail);
    return false;
  }

  some(users, query) {
    const from = users.findIndex((user) => user.id === query.get('cursor')) + 1;
    const page = users.slice(from, from + Number(query.get('limit') ?? 50));
    return { users: page, next_cursor: from + page.length < users.length ? page.at(-1).id : null };
  }

  // Whoever is linked by the link, and answers the bot, does so at once.
  addBot(body, reply, fail) {
    this.added.push(body);
    if (body.token === 'wrong') return fail(403, 'token: Telegram does not know this token');
    const name = body.name ?? body.network;
    this.bots.push(bot(name, body.network, {}));
    return reply(200, { name, network: body.network, bot_name: `@${name}_bot`, need_restart: false, other_instances: this.others });
  }

  channel(method, [, name, what], body, reply, fail) {
    const one = this.bots.find((b) => b.name === name);
    if (!one) return fail(404, 'there is no such channel');
    if (method === 'DELETE') {
      this.bots = this.bots.filter((b) => b !== one);
      return reply(200, { hash: '', need_restart: [] });
    }
    if (what === 'token') {
      if (body.token === 'wrong') return fail(403, 'token: Discord does not know this token');
      Object.assign(one, { state: 'connected', deaf: false, problem: '', todo: '', code: 0 });
      return reply(200, { name, network: one.network, bot_name: `@${name}_bot`, need_restart: false,
        other_instances: this.others });
    }
    if (what === 'qr.svg') return reply.raw(200, 'image/svg+xml', SVG);
    this.tests.push(name);
    setTimeout(() => { one.event_at = new Date().toISOString(); }, 100);
    return reply(200, { sent: true, account: '1' });
  }

  decide(code, body, reply, fail) {
    const pairing = this.pairings.find((p) => p.code === code);
    if (!pairing) return fail(404, 'code: nobody waits with it');
    this.decisions.push({ code, ...body });
    if (body.decision === 'deny') {
      pairing.status = 'denied';
      return reply(204);
    }
    this.pairings = this.pairings.filter((p) => p !== pairing);
    if (body.user) return reply(200, this.users.find((u) => u.id === body.user));
    this.users.push({ id: this.id(20), name: pairing.name, role: 'user', status: 'active', created_at: NOW });
    return reply(200, this.users.at(-1));
  }

  user(method, [named, what, network, account], body, reply, fail) {
    const userId = named === 'me' ? this.users[0].id : named;
    const user = this.users.find((u) => u.id === userId);
    if (!user) return fail(404, 'no such user');
    if (!what) return reply(200, Object.assign(user, body));
    if (what === 'links') return reply(201, { url: `http://127.0.0.1:7777/#t=${userId}`, expires_at: NOW });
    if (what === 'invites') {
      if (user === this.users[0]) this.accounts.set(userId, [{ network: 'telegram', account: '1', created_at: NOW }]);
      return reply(201, { code: 'ABCD-EFGH-JKLM-2345', expires_at: NOW, ways: [
        { channel: 'telegram', network: 'telegram', bot_name: '@telegram_bot', brings_code: true, qr_svg: SVG,
          url: 'https://t.me/telegram_bot?start=ABCDEFGHJKLM2345' },
        ...this.bots.slice(2).map((b) => ({ channel: b.name, network: b.network, bot_name: b.bot_name, brings_code: true,
          qr_svg: SVG, url: `${b.link}?start=ABCDEFGHJKLM2345` })),
        { channel: 'discord', network: 'discord', bot_name: '', brings_code: false, qr_svg: null, url: null }] });
    }
    const list = this.accounts.get(userId) ?? [];
    if (method === 'DELETE') {
      this.accounts.set(userId, list.filter((a) => a.network !== network || a.account !== account));
    }
    return reply(200, { identities: [{ network: 'local', account: userId, created_at: NOW }, ...(this.accounts.get(userId) ?? [])] });
  }
}
