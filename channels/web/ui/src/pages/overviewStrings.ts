export const overviewLanguages = {
  en: {
    attention: 'Needs your attention', allWell: 'Everything is in order', allWellText: 'Nothing waits for you.',
    noModel: 'No model is connected', noModelText: 'Nexflow cannot answer until you add a provider.', addModel: 'Add a model',
    notReady: 'Not ready', approvals: { one: '{n} call waits for your decision', other: '{n} calls wait for your decision' }, look: 'Look', failedTasks: { one: '{n} recent task failed', other: '{n} recent tasks failed' }, skillBroken: 'Skill {name} is out of order',
    skillConsent: { one: '{n} skill needs your consent', other: '{n} skills need your consent' }, bot: 'Bot {name}: {why}', botDeaf: 'does not hear the network', configRefused: 'The configuration file is wrong', configRefusedText: 'An older one is in force. Look at the log, or run: nexflow config check',
    sandbox: 'The sandbox is not whole', backupNone: 'No backup was made yet', backupOld: 'The last backup was made {when}', pairing: { one: '{n} person asks to be let in', other: '{n} people ask to be let in' }, offline: 'The daemon cannot be reached',
    runs: 'Running now', nothingRuns: 'Nothing runs right now.', recent: 'Recent tasks', allTasks: 'All tasks', last: { one: 'The last task', other: 'The last {n} tasks' },
    answered: 'answered', failed: 'failed', median: 'typical time', tokens: 'tokens', uptime: 'up for', version: 'version', setup: 'Set up Nexflow', setupText: 'Two things make it yours: a model that answers, and a way to reach it from your phone. Either network will do.',
    stepModel: 'Connect a model', stepTurn: 'Ask it something', stepTelegram: 'Connect Telegram', stepDiscord: 'Connect Discord', later: 'When that works', stepPerson: 'Let a second person in', stepBackup: 'Make a copy of everything, on the daemon’s machine', done: 'done', open: 'Open',
  },
  ru: {
    attention: 'Требует внимания', allWell: 'Всё в порядке', allWellText: 'Ничто не ждёт вас.',
    noModel: 'Модель не подключена', noModelText: 'Nexflow не сможет отвечать, пока вы не добавите провайдера.', addModel: 'Добавить модель',
    notReady: 'Не готов', approvals: { one: '{n} вызов ждёт вашего решения', few: '{n} вызова ждут вашего решения', many: '{n} вызовов ждут вашего решения', other: '{n} вызова ждут вашего решения' }, look: 'Посмотреть', failedTasks: { one: '{n} недавняя задача не удалась', few: '{n} недавние задачи не удались', many: '{n} недавних задач не удались', other: '{n} недавней задачи не удались' }, skillBroken: 'Навык {name} неисправен',
    skillConsent: { one: '{n} навык ждёт вашего согласия', few: '{n} навыка ждут вашего согласия', many: '{n} навыков ждут вашего согласия', other: '{n} навыка ждут вашего согласия' }, bot: 'Бот {name}: {why}', botDeaf: 'не слышит сеть', configRefused: 'Файл настроек неверен', configRefusedText: 'Действует прежний. Посмотрите журнал или выполните: nexflow config check',
    sandbox: 'Песочница неполна', backupNone: 'Резервной копии ещё нет', backupOld: 'Последняя резервная копия: {when}', pairing: { one: '{n} человек просит впустить его', few: '{n} человека просят впустить их', many: '{n} человек просят впустить их', other: '{n} человека просят впустить их' }, offline: 'Нет связи с демоном',
    runs: 'Сейчас выполняется', nothingRuns: 'Сейчас ничего не выполняется.', recent: 'Недавние задачи', allTasks: 'Все задачи', last: { one: '{n} последняя задача', few: '{n} последние задачи', many: '{n} последних задач', other: '{n} последней задачи' },
    answered: 'с ответом', failed: 'с ошибкой', median: 'обычное время', tokens: 'токенов', uptime: 'работает', version: 'версия', setup: 'Настройте Nexflow', setupText: 'Нужны две вещи: модель, которая отвечает, и способ дотянуться до неё с телефона. Хватит одной сети.',
    stepModel: 'Подключить модель', stepTurn: 'Спросить её о чём-нибудь', stepTelegram: 'Подключить Telegram', stepDiscord: 'Подключить Discord', later: 'Когда это заработает', stepPerson: 'Открыть доступ второму человеку', stepBackup: 'Сделать копию всего, на машине демона', done: 'готово', open: 'Открыть',
  },
} as const;

export const usageLanguages = {
  en: {
    usage: 'Used in the last 24 hours', noUsage: 'No model was called yet.', graph: 'Tokens per hour, up to {n}. The table below says the same.', asTable: 'As a table',
    hour: 'Hour', calls: 'calls', read: 'tokens read', written: 'tokens written', cost: 'cost',
  },
  ru: {
    usage: 'Израсходовано за 24 часа', noUsage: 'Модели ещё не вызывались.', graph: 'Токены по часам, до {n}. В таблице ниже то же самое.', asTable: 'Таблицей',
    hour: 'Час', calls: 'вызовов', read: 'токенов прочитано', written: 'токенов написано', cost: 'стоимость',
  },
} as const;
