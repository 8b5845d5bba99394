export const healthLanguages = {
  en: {
    intro: 'How the daemon is, as monitoring sees it.', ready: 'Ready to answer', notReady: 'Not ready', daemon: 'Daemon', version: 'Version', uptime: 'Running since',
    loop: 'Loop delay', database: 'Database', models: 'Models', config: 'Configuration', turns: 'Turns running', backup: 'Last backup', noBackup: 'none yet: nexflow backup create', sandbox: 'Sandbox', whole: 'Every layer works',
    bots: 'Chat networks', metrics: 'Metrics', metricsHelp: 'For Prometheus, at /metrics', ok: 'in order', none: 'none', refused: 'file refused, an older one is in force', missing: 'missing: {what}', seconds: '{n} s',
    unknown: 'Nexflow runs, but cannot tell who you are now: too many requests, or no database. nexflow doctor on its machine, or its log, has the cause.',
  },
  ru: {
    intro: 'Состояние демона, как его видит мониторинг.', ready: 'Готов отвечать', notReady: 'Не готов', daemon: 'Демон', version: 'Версия', uptime: 'Работает с',
    loop: 'Задержка цикла', database: 'База данных', models: 'Модели', config: 'Настройки', turns: 'Ответов в работе', backup: 'Последняя копия', noBackup: 'ещё нет: nexflow backup create', sandbox: 'Песочница', whole: 'Все слои работают',
    bots: 'Чаты', metrics: 'Метрики', metricsHelp: 'Для Prometheus, по адресу /metrics', ok: 'в порядке', none: 'нет', refused: 'файл отвергнут, действует прежний', missing: 'нет: {what}', seconds: '{n} с',
    unknown: 'Nexflow работает, но не может сейчас узнать, кто вы: слишком много запросов или недоступна база данных. Причину скажут nexflow doctor на той же машине и журнал.',
  },
} as const;
