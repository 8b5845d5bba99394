export const sharedLanguages = {
  en: {
    pending: 'waiting', running: 'running', waiting_approval: 'waits for you', completed: 'done', failed: 'failed',
    cancelled: 'stopped', unknown: 'unknown', now: 'just now', reload: 'Reload', failedToLoad: 'This could not be read: {why}',
  },
  ru: {
    pending: 'в очереди', running: 'выполняется', waiting_approval: 'ждёт вас', completed: 'готово', failed: 'ошибка',
    cancelled: 'остановлено', unknown: 'неизвестно', now: 'только что', reload: 'Обновить', failedToLoad: 'Не прочиталось: {why}',
  },
} as const;
