export const taskLanguages = {
  en: {
    intro: 'Everything Nexflow does for you is a task: answers, and the tools called for them.',
    filter: 'State', all: 'All', none: 'No tasks in this state', noneYet: 'Nothing was done yet', noneHelp: 'Write a message, and its turn appears here.',
    turn: 'Answer', tool: 'Call by hand', model: 'Model', cancel: 'Cancel', more: 'Earlier tasks', back: 'All tasks',
    timeline: 'Timeline', wait: 'waited', steps: 'Steps', changes: 'What happened', attempt: 'Attempt {n}', session: 'Open the conversation',
    took: 'Took', tokens: 'Tokens', task: 'Task', state: 'State', when: 'When', gone: 'This task does not exist, or is not yours.',
  },
  ru: {
    intro: 'Всё, что Nexflow делает для вас, — задачи: ответы и вызванные для них инструменты.',
    filter: 'Состояние', all: 'Все', none: 'Нет задач в этом состоянии', noneYet: 'Пока ничего не сделано', noneHelp: 'Напишите сообщение, и его задача появится здесь.',
    turn: 'Ответ', tool: 'Вызов вручную', model: 'Модель', cancel: 'Отменить', more: 'Более ранние задачи', back: 'Все задачи',
    timeline: 'Ход', wait: 'ожидание', steps: 'Шаги', changes: 'Что произошло', attempt: 'Попытка {n}', session: 'Открыть разговор',
    took: 'Заняло', tokens: 'Токены', task: 'Задача', state: 'Состояние', when: 'Когда', gone: 'Этой задачи нет, или она не ваша.',
  },
} as const;
